using System.Runtime.InteropServices;
using Berth.Daemon.Http;
using Berth.Daemon.Options;
using Berth.Engine;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Hosting;

/// <summary>Opens an engine, serves it until a signal or its caller ends it, and lets go of it.</summary>
internal static partial class DaemonHost
{
    /// <summary>Opens the domain.</summary>
    public delegate Task<BerthEngine> OpenEngine(
        EngineOptions options, ILoggerFactory loggers, CancellationToken cancellationToken);

    /// <summary>Runs until <paramref name="ending"/> or SIGTERM or SIGINT. Containers go on running.</summary>
    /// <exception cref="FaultException">The daemon cannot start, and why.</exception>
    public static async Task RunAsync(
        DaemonOptions options, ProgramIdentity program, OpenEngine open, ILoggerFactory loggers, LogSwitch levels,
        Func<ICollection<string>, DaemonOptions?> reread, Action? ready, CancellationToken ending)
    {
        ILogger log = loggers.CreateLogger("berthd");
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(ending);
        using PosixSignalRegistration terminate = Stop(PosixSignal.SIGTERM, stopping);
        using PosixSignalRegistration interrupt = Stop(PosixSignal.SIGINT, stopping);
        using PidFile? pidFile = options.PidFile is { Length: > 0 } path ? PidFile.Write(path) : null;
        await using BerthEngine engine = await open(options.Engine, loggers, stopping.Token);
        var services = new DaemonServices(
            EngineServices.Of(engine), TimeProvider.System, program, loggers.CreateLogger("berthd.api"), stopping.Token)
        {
            Levels = levels,
            PrefersBuildKit = options.PrefersBuildKit,
        };
        DaemonReload reload = new(engine, levels, reread, log);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            reload.Run();
        });
        await using MetricsServer? metrics = options.Metrics is { } address
            ? await MetricsServer.StartAsync(address, services, loggers, stopping.Token) : null;
        await using (ApiServer server = await ApiServer.StartAsync(options, services, loggers, stopping.Token))
        {
            foreach (ListenAddress listening in options.Listen)
                Log.Listening(log, listening);
            if (metrics is not null)
                Log.Metrics(log, metrics.Address);
            string? supervisor = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
            SystemdNotify.Send(SystemdNotify.Ready, supervisor);
            ready?.Invoke();
            await Task.Delay(Timeout.Infinite, stopping.Token).ContinueWith(
                _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            SystemdNotify.Send(SystemdNotify.Stopping, supervisor);
            Log.Stopping(log);
        }
        foreach (ListenAddress listened in options.Listen)
            if (listened.Path is { } socket)
                File.Delete(socket);
    }

    private static PosixSignalRegistration Stop(PosixSignal signal, CancellationTokenSource stopping) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            // The runtime's own answer to these signals is to end the process at once.
            context.Cancel = true;
            stopping.Cancel();
        });

    private static partial class Log
    {
        [LoggerMessage(EventId = 5101, Level = LogLevel.Information, Message = "API listen on {Address}")]
        public static partial void Listening(ILogger logger, ListenAddress address);

        [LoggerMessage(EventId = 5103, Level = LogLevel.Information, Message = "metrics listen on {Address}/metrics")]
        public static partial void Metrics(ILogger logger, string address);

        [LoggerMessage(EventId = 5102, Level = LogLevel.Information, Message = "Stopping; containers go on running")]
        public static partial void Stopping(ILogger logger);
    }
}
