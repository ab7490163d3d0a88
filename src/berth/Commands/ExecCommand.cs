using System.Text.Json;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>exec</c>: a further process in a running container.</summary>
internal static class ExecCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        bool detach = parsed.Bool("detach");
        bool terminal = parsed.Bool("tty");
        bool input = parsed.Bool("interactive") && !detach;
        if (terminal && input && session.Console.InputTerminal is null)
            throw new CommandException("the input device is not a TTY");
        string keys = parsed.String("detach-keys") is { Length: > 0 } given ? given : session.Config.DetachKeys;
        ExecCreateRequest body = new()
        {
            User = parsed.String("user"),
            Privileged = parsed.Bool("privileged"),
            Tty = terminal,
            AttachStdin = input,
            AttachStdout = !detach,
            AttachStderr = !detach,
            DetachKeys = keys,
            Env = KeyValues.Environment(session, parsed.List("env"), parsed.List("env-file")),
            WorkingDir = parsed.String("workdir"),
            Cmd = parsed.Arguments.Skip(1).ToList(),
        };
        IReadOnlyList<uint>? size = terminal && session.Console.OutputIsTerminal && session.Console.Size() is { } console
            ? [(uint)console.Rows, (uint)console.Columns] : null;
        body.ConsoleSize = size;
        JsonElement answer = await session.Engine.SendForJsonAsync(
            new EngineRequest("POST", $"/containers/{EngineRequest.Escape(parsed.Arguments[0])}/exec")
            {
                Json = RequestJson.Of(body),
            },
            cancellationToken);
        string id = answer.Text("Id");
        EngineRequest start = new("POST", $"/exec/{id}/start")
        {
            Json = RequestJson.Of(new ExecStartRequest { Detach = detach, Tty = terminal, ConsoleSize = size }),
        };
        if (detach)
        {
            await session.Engine.SendForStatusAsync(start, cancellationToken);
            return 0;
        }
        return await AttachedAsync(session, body, id, start, cancellationToken);
    }

    private static async Task<int> AttachedAsync(
        Session session, ExecCreateRequest body, string id, EngineRequest start, CancellationToken cancellationToken)
    {
        using HijackedStream stream = await session.Engine.UpgradeAsync(start, cancellationToken);
        using SignalForwarder? resizes = body.Tty && session.Console.OutputIsTerminal
            ? await SignalForwarder.ResizesAsync(session, $"/exec/{id}", cancellationToken) : null;
        AttachedStreams streams = new(session, stream)
        {
            IsTerminal = body.Tty,
            TakesInput = body.AttachStdin,
            DetachKeys = EscapeDetector.ParseKeys(body.DetachKeys.Length > 0 ? body.DetachKeys : EscapeDetector.DefaultKeys),
        };
        await streams.RunAsync(cancellationToken);
        if (streams.WasDetached)
        {
            session.Warn("read escape sequence");
            return 1;
        }
        JsonElement state = await session.Engine.SendForJsonAsync(EngineRequest.Get($"/exec/{id}/json"), cancellationToken);
        return (int)state.Number("ExitCode");
    }
}
