using System.Globalization;
using System.Text.Json;
using Berth.Daemon.Options;
using Berth.Engine;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Hosting;

/// <summary>Reads the settings again on SIGHUP and takes over those that can change while the daemon runs.</summary>
internal sealed partial class DaemonReload(
    BerthEngine engine, LogSwitch levels, Func<ICollection<string>, DaemonOptions?> reread, ILogger log)
{
    private readonly Lock _gate = new();

    /// <summary>Takes over all of the new settings, or none when there is a mistake in them.</summary>
    public void Run()
    {
        lock (_gate)
        {
            List<string> errors = [];
            if (reread(errors) is not { } options)
            {
                Log.Refused(log, string.Join("; ", errors));
                return;
            }
            try
            {
                engine.Reload(options.Engine);
            }
            catch (FaultException fault)
            {
                Log.Refused(log, fault.Message);
                return;
            }
            levels.Level = options.LogLevel;
            engine.PublishReload(Attributes(options));
            Log.Done(log);
        }
    }

    private static Dictionary<string, string> Attributes(DaemonOptions options) => new()
    {
        ["debug"] = options.LogLevel <= LogLevel.Debug ? "true" : "false",
        ["insecure-registries"] = List(options.Engine.InsecureRegistries),
        ["labels"] = List(options.Engine.Labels),
        ["live-restore"] = options.Engine.StopContainersOnDispose ? "false" : "true",
        ["max-concurrent-downloads"] = options.Engine.MaxConcurrentDownloads.ToString(CultureInfo.InvariantCulture),
        ["max-concurrent-uploads"] = options.Engine.MaxConcurrentUploads.ToString(CultureInfo.InvariantCulture),
        ["name"] = Environment.MachineName,
        ["registry-mirrors"] = List(options.Engine.RegistryMirrors),
        ["shutdown-timeout"] = options.Engine.ShutdownTimeoutSeconds.ToString(CultureInfo.InvariantCulture),
    };

    private static string List(IReadOnlyList<string> values) => JsonSerializer.Serialize([.. values], Wire.ApiJson.Wire.StringList);

    private static partial class Log
    {
        [LoggerMessage(EventId = 5104, Level = LogLevel.Information, Message = "Settings were read again")]
        public static partial void Done(ILogger logger);

        [LoggerMessage(EventId = 5105, Level = LogLevel.Error, Message = "Settings were not read again, all stay as they are: {Problems}")]
        public static partial void Refused(ILogger logger, string problems);
    }
}
