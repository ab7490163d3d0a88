using Berth.Daemon.Http;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Execs;

/// <summary>200 what is known about it; 404.</summary>
internal static class InspectExec
{
    public static Task HandleAsync(ApiCall call)
    {
        ExecDetails exec = call.Engine.Execs.Inspect(call.Id);
        return call.WriteJsonAsync(
            new Wire.ExecInspect
            {
                ID = exec.Id,
                Running = exec.Running,
                ExitCode = exec.ExitCode,
                ProcessConfig = ToWire(exec.Settings),
                OpenStdin = exec.Settings.AttachStdin,
                OpenStdout = exec.Settings.AttachStdout,
                OpenStderr = exec.Settings.AttachStderr,
                CanRemove = exec.CanRemove,
                ContainerID = exec.ContainerId,
                Pid = exec.Pid,
            },
            Wire.ApiJson.Wire.ExecInspect);
    }

    private static Wire.ExecProcessConfig ToWire(ExecSettings settings) => new()
    {
        Tty = settings.Tty,
        Entrypoint = settings.Cmd[0],
        Arguments = [.. settings.Cmd.Skip(1)],
        Privileged = settings.Privileged,
        User = settings.User,
    };
}
