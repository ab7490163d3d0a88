using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Daemon;

/// <summary>200 versions.</summary>
internal static class GetVersion
{
    public static Task HandleAsync(ApiCall call) => call.WriteJsonAsync(
        call.Engine.System.Info().ToVersion(call.Services.Program), Wire.ApiJson.Wire.VersionResponse);
}
