using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Daemon.Transport;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Execs;

/// <summary>200 detached, 101 or 200 and its streams; 404, 409.</summary>
internal static class StartExec
{
    public static async Task HandleAsync(ApiCall call)
    {
        Wire.ExecStartRequest request = await call.ReadJsonAsync(Wire.ApiJson.Wire.ExecStartRequest) ?? new Wire.ExecStartRequest();
        ExecDetails exec = call.Engine.Execs.Inspect(call.Id);
        var start = new ExecStart(request.Detach, request.ConsoleSize.ToConsoleSize());
        if (request.Detach)
        {
            await call.Engine.Execs.StartAsync(call.Id, start, call.Cancelled);
            await call.WriteStatusAsync(StatusCodes.Status200OK);
            return;
        }
        bool framed = !exec.Settings.Tty;
        await HijackedStream.RunAsync(
            call.Http,
            cancellationToken => AttachAsync(call, start, cancellationToken),
            exec.Settings.AttachStdin, framed, OutputFrame.ContentType(framed, call.Version), call.Services.Stopping);
    }

    private static async Task<IAttachment> AttachAsync(ApiCall call, ExecStart start, CancellationToken cancellationToken)
    {
        IExecs execs = call.Engine.Execs;
        IAttachment attachment = await execs.StartAsync(call.Id, start, cancellationToken)
            ?? throw FaultException.Internal($"exec {call.Id}: it was started without streams");
        return new ExecAttachment(attachment, execs.WaitAsync(call.Id, cancellationToken));
    }
}
