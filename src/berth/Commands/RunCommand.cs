using System.Text.Json;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Faults;

namespace Berth.Cli.Commands;

/// <summary><c>run</c>: create, attach, wait, start, in this order, so that no output and no exit is missed.</summary>
internal static class RunCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        CreateContainerRequest body = Body(session, parsed);
        bool detach = parsed.Bool("detach");
        string id = await ContainerCreation.CreateAsync(session, parsed, body, cancellationToken);
        if (detach && !body.AttachStdin && !body.AttachStdout && !body.AttachStderr)
        {
            await StartAsync(session, id, parsed, cancellationToken);
            session.PrintLine(id);
            return 0;
        }
        return await AttachedAsync(session, parsed, body, id, cancellationToken);
    }

    private static CreateContainerRequest Body(Session session, ParsedCommand parsed)
    {
        CreateContainerRequest body;
        try
        {
            body = ContainerSpec.Build(session, parsed);
            if (parsed.Bool("detach"))
            {
                if (parsed.Has("attach"))
                    throw new CommandException("conflicting options: cannot specify both --attach and --detach");
                body.AttachStdin = body.AttachStdout = body.AttachStderr = body.StdinOnce = false;
            }
        }
        catch (Exception e) when (e is UsageException { IsWrongArgument: false } or FaultException)
        {
            throw ContainerCreation.Failure(e.Message);
        }
        if (body is { Tty: true, AttachStdin: true } && session.Console.InputTerminal is null && !parsed.Bool("detach"))
            throw new CommandException("the input device is not a TTY", 1);
        return body;
    }

    private static async Task<int> AttachedAsync(
        Session session, ParsedCommand parsed, CreateContainerRequest body, string id, CancellationToken cancellationToken)
    {
        using SignalForwarder? signals = parsed.Bool("sig-proxy") ? SignalForwarder.Signals(session, id) : null;
        string keys = parsed.String("detach-keys") is { Length: > 0 } given ? given : session.Config.DetachKeys;
        EngineRequest attach = EngineRequest.Post($"/containers/{id}/attach").QueryUnlessEmpty("detachKeys", keys)
            .QueryIf("stdin", body.AttachStdin).QueryIf("stdout", body.AttachStdout).QueryIf("stderr", body.AttachStderr)
            .QueryIf("stream", true);
        HijackedStream stream;
        EngineResponse exit;
        try
        {
            stream = await session.Engine.UpgradeAsync(attach, cancellationToken);
            exit = await Waiting.BeginAsync(session, id, body.HostConfig!.AutoRemove ? "removed" : "next-exit", cancellationToken);
        }
        catch (EngineException e)
        {
            throw ContainerCreation.Failure(e.Display);
        }
        using (stream)
        using (exit)
        {
            AttachedStreams streams = new(session, stream)
            {
                IsTerminal = body.Tty,
                TakesInput = body.AttachStdin,
                Output = body.AttachStdout ? session.Console.Output : Stream.Null,
                Error = body.AttachStderr ? session.Console.Error : Stream.Null,
                DetachKeys = EscapeDetector.ParseKeys(keys.Length > 0 ? keys : EscapeDetector.DefaultKeys),
            };
            Task? copying = streams.TakesInput ? streams.RunAsync(cancellationToken) : null;
            await StartAsync(session, id, parsed, cancellationToken);
            using SignalForwarder? resizes = body.Tty && session.Console.OutputIsTerminal
                ? await SignalForwarder.ResizesAsync(session, $"/containers/{id}", cancellationToken) : null;
            await (copying ?? streams.RunAsync(cancellationToken));
            return streams.WasDetached ? 0 : await Waiting.EndAsync(session, exit, cancellationToken);
        }
    }

    private static async Task StartAsync(Session session, string id, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        try
        {
            await session.Engine.SendForStatusAsync(EngineRequest.Post($"/containers/{id}/start"), cancellationToken);
        }
        catch (EngineException e)
        {
            throw ContainerCreation.Failure(e.Display, StartCode(e.Message));
        }
    }

    /// <summary>127: not found; 126: found and not executable; 125: anything else.</summary>
    public static int StartCode(string message)
    {
        string text = message.ToLowerInvariant().TrimEnd('.', ' ');
        if (text.Contains("executable file not found") || text.EndsWith("no such file or directory", StringComparison.Ordinal)
            || (text.Contains("no such file or directory") && text.Contains("exec")))
        {
            return 127;
        }
        return text.Contains("permission denied") || text.Contains("is a directory") || text.Contains("exec format error") ? 126 : 125;
    }
}

/// <summary>Waiting for a container: the answer's head comes at once, its body when the container has ended.</summary>
internal static class Waiting
{
    public static Task<EngineResponse> BeginAsync(
        Session session, string container, string condition, CancellationToken cancellationToken) =>
        session.Engine.SendAsync(
            EngineRequest.Post($"/containers/{EngineRequest.Escape(container)}/wait").Query("condition", condition), cancellationToken);

    public static async Task<int> EndAsync(Session session, EngineResponse response, CancellationToken cancellationToken)
    {
        using JsonDocument answer = await response.ReadJsonAsync(cancellationToken);
        if (answer.RootElement.At("Error").Text("Message") is { Length: > 0 } error)
        {
            session.Warn($"Error waiting for container: {error}");
            return 125;
        }
        return (int)answer.RootElement.Number("StatusCode");
    }
}
