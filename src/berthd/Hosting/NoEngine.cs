using Berth.Engine;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Hosting;

/// <summary>Stands where the domain's own opening will.</summary>
internal static class NoEngine
{
    public static Task<BerthEngine> OpenAsync(EngineOptions options, ILoggerFactory loggers, CancellationToken cancellationToken) =>
        throw FaultException.Internal("this build has no engine");
}
