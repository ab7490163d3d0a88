using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Daemon;

/// <summary>200 engine and machine.</summary>
internal static class GetInfo
{
    public static Task HandleAsync(ApiCall call) =>
        call.WriteJsonAsync(call.Engine.System.Info().ToWire(call.Services, call.Version), Wire.ApiJson.Wire.SystemInfo);
}
