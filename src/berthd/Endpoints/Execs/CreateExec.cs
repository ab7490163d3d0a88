using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Execs;

/// <summary>201 prepared; 400 no command, 404, 409 not running.</summary>
internal static class CreateExec
{
    public static async Task HandleAsync(ApiCall call)
    {
        Wire.ExecCreateRequest request = await call.RequireJsonAsync(Wire.ApiJson.Wire.ExecCreateRequest);
        if (request.Cmd is not { Count: > 0 } command)
            throw FaultException.Invalid("No exec command specified");
        string id = await call.Engine.Execs.CreateAsync(
            call.Id,
            new ExecSettings
            {
                Cmd = command,
                Env = request.Env ?? [],
                User = request.User.NullIfEmpty(),
                WorkingDir = request.WorkingDir.NullIfEmpty(),
                Privileged = request.Privileged,
                Tty = request.Tty,
                AttachStdin = request.AttachStdin,
                AttachStdout = request.AttachStdout,
                AttachStderr = request.AttachStderr,
                DetachKeys = request.DetachKeys.NullIfEmpty(),
                ConsoleSize = request.ConsoleSize.ToConsoleSize(),
            },
            call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.IdResponse { Id = id }, Wire.ApiJson.Wire.IdResponse, StatusCodes.Status201Created);
    }
}
