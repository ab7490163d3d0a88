using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Daemon;

/// <summary>200 the login is right; 401.</summary>
internal static class Login
{
    public static async Task HandleAsync(ApiCall call)
    {
        Wire.RegistryAuth request = await call.RequireJsonAsync(Wire.ApiJson.Wire.RegistryAuth);
        RegistryLogin login = RegistryHeaders.ToLogin(request) ?? new RegistryLogin { ServerAddress = request.ServerAddress };
        string? token = await call.Engine.System.LoginAsync(login, call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.AuthResponse { Status = "Login Succeeded", IdentityToken = token ?? "" }, Wire.ApiJson.Wire.AuthResponse);
    }
}
