using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>start</c>, detached or attached.</summary>
internal static class StartCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        bool attach = parsed.Bool("attach") || parsed.Bool("interactive");
        if (attach && parsed.Arguments.Count > 1)
            throw new CommandException("you cannot start and attach multiple containers at once");
        if (attach)
            return await AttachedAsync(session, parsed, parsed.Arguments[0], cancellationToken);
        return await ContainerVerbs.EachAsync(session, parsed, id => session.Engine.SendForStatusAsync(
            EngineRequest.Post($"/containers/{EngineRequest.Escape(id)}/start")
                .QueryUnlessEmpty("checkpoint", parsed.String("checkpoint"))
                .QueryUnlessEmpty("checkpoint-dir", parsed.String("checkpoint-dir")), cancellationToken),
            "Error: failed to start containers");
    }

    private static async Task<int> AttachedAsync(
        Session session, ParsedCommand parsed, string name, CancellationToken cancellationToken)
    {
        JsonElement container = await session.Engine.SendForJsonAsync(
            EngineRequest.Get($"/containers/{EngineRequest.Escape(name)}/json"), cancellationToken);
        string id = container.Text("Id");
        bool terminal = container.At("Config").Flag("Tty");
        bool input = parsed.Bool("interactive") && container.At("Config").Flag("OpenStdin");
        string keys = parsed.String("detach-keys") is { Length: > 0 } given ? given : session.Config.DetachKeys;
        using SignalForwarder? signals = terminal ? null : SignalForwarder.Signals(session, id);
        using HijackedStream stream = await session.Engine.UpgradeAsync(
            EngineRequest.Post($"/containers/{id}/attach").QueryUnlessEmpty("detachKeys", keys).QueryIf("stdin", input)
                .QueryIf("stdout", true).QueryIf("stderr", true).QueryIf("stream", true), cancellationToken);
        bool removes = container.At("HostConfig").Flag("AutoRemove");
        using EngineResponse exit = await Waiting.BeginAsync(session, id, removes ? "removed" : "next-exit", cancellationToken);
        AttachedStreams streams = new(session, stream)
        {
            IsTerminal = terminal,
            TakesInput = input,
            DetachKeys = EscapeDetector.ParseKeys(keys.Length > 0 ? keys : EscapeDetector.DefaultKeys),
        };
        Task? copying = input ? streams.RunAsync(cancellationToken) : null;
        await session.Engine.SendForStatusAsync(EngineRequest.Post($"/containers/{id}/start"), cancellationToken);
        using SignalForwarder? resizes = terminal && session.Console.OutputIsTerminal
            ? await SignalForwarder.ResizesAsync(session, $"/containers/{id}", cancellationToken) : null;
        await (copying ?? streams.RunAsync(cancellationToken));
        return streams.WasDetached ? 0 : await Waiting.EndAsync(session, exit, cancellationToken);
    }
}
