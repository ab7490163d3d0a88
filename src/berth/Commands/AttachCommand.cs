using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>attach</c>: this terminal becomes the container's.</summary>
internal static class AttachCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string name = EngineRequest.Escape(parsed.Arguments[0]);
        JsonElement container = await session.Engine.SendForJsonAsync(EngineRequest.Get($"/containers/{name}/json"), cancellationToken);
        JsonElement state = container.At("State");
        if (!state.Flag("Running"))
            throw new CommandException("You cannot attach to a stopped container, start it first");
        if (state.Flag("Paused"))
            throw new CommandException("You cannot attach to a paused container, unpause it first");
        if (state.Flag("Restarting"))
            throw new CommandException("You cannot attach to a restarting container, wait until it is running");
        string id = container.Text("Id");
        bool terminal = container.At("Config").Flag("Tty");
        bool input = !parsed.Bool("no-stdin") && container.At("Config").Flag("OpenStdin");
        // Also where the container takes no input: what is piped in here would be waited for and never read.
        if (terminal && !parsed.Bool("no-stdin") && session.Console.InputTerminal is null)
            throw new CommandException("the input device is not a TTY");
        string keys = parsed.String("detach-keys") is { Length: > 0 } given ? given : session.Config.DetachKeys;
        using EngineResponse exit = await Waiting.BeginAsync(session, id, "not-running", cancellationToken);
        using SignalForwarder? signals = parsed.Bool("sig-proxy") && !terminal ? SignalForwarder.Signals(session, id) : null;
        using HijackedStream stream = await session.Engine.UpgradeAsync(
            EngineRequest.Post($"/containers/{id}/attach").QueryUnlessEmpty("detachKeys", keys).QueryIf("stdin", input)
                .QueryIf("stdout", true).QueryIf("stderr", true).QueryIf("stream", true), cancellationToken);
        using SignalForwarder? resizes = terminal && session.Console.OutputIsTerminal
            ? await SignalForwarder.ResizesAsync(session, $"/containers/{id}", cancellationToken, redraws: true) : null;
        AttachedStreams streams = new(session, stream)
        {
            IsTerminal = terminal,
            TakesInput = input,
            DetachKeys = EscapeDetector.ParseKeys(keys.Length > 0 ? keys : EscapeDetector.DefaultKeys),
        };
        await streams.RunAsync(cancellationToken);
        if (!streams.WasDetached)
            return await Waiting.EndAsync(session, exit, cancellationToken);
        session.Warn("read escape sequence");
        return 1;
    }
}
