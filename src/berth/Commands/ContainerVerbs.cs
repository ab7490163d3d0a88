using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary>Commands that do one thing to each container named: stop, kill, rm, …</summary>
internal static class ContainerVerbs
{
    public static Task<int> PauseAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        PostEachAsync(session, parsed, "pause", static r => r, cancellationToken);

    public static Task<int> UnpauseAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        PostEachAsync(session, parsed, "unpause", static r => r, cancellationToken);

    public static Task<int> KillAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        PostEachAsync(session, parsed, "kill", r => r.QueryUnlessEmpty("signal", parsed.String("signal")), cancellationToken);

    public static Task<int> StopAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        PostEachAsync(session, parsed, "stop", r => WithGrace(r, parsed), cancellationToken);

    public static Task<int> RestartAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        PostEachAsync(session, parsed, "restart", r => WithGrace(r, parsed), cancellationToken);

    public static Task<int> RemoveAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        EachAsync(
            session, parsed,
            name => session.Engine.SendForStatusAsync(
                EngineRequest.Delete($"/containers/{EngineRequest.Escape(name.Trim('/'))}").QueryIf("v", parsed.Bool("volumes"))
                    .QueryIf("link", parsed.Bool("link")).QueryIf("force", parsed.Bool("force")), cancellationToken),
            forgiven: e => parsed.Bool("force") && e.IsNotFound);

    public static async Task<int> RenameAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        (string name, string newName) = (parsed.Arguments[0].Trim(), parsed.Arguments[1].Trim());
        if (name.Length == 0 || newName.Length == 0)
            throw new CommandException("Error: Neither old nor new names may be empty");
        try
        {
            await session.Engine.SendForStatusAsync(
                EngineRequest.Post($"/containers/{EngineRequest.Escape(name)}/rename").Query("name", newName), cancellationToken);
            return 0;
        }
        catch (EngineException e) when (!e.IsConnectionFailure)
        {
            throw new CommandException($"{e.Display}\nError: failed to rename container named {name}");
        }
    }

    public static async Task<int> WaitAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        bool failed = false;
        foreach (string name in parsed.Arguments)
        {
            try
            {
                using EngineResponse response = await session.Engine.SendAsync(
                    EngineRequest.Post($"/containers/{EngineRequest.Escape(name)}/wait"), cancellationToken);
                using JsonDocument answer = await response.ReadJsonAsync(cancellationToken);
                session.PrintLine(answer.RootElement.Number("StatusCode").ToString(System.Globalization.CultureInfo.InvariantCulture));
            }
            catch (EngineException e)
            {
                session.Warn(e.Display);
                failed = true;
            }
        }
        return failed ? 1 : 0;
    }

    /// <summary>Does something to each argument and prints it, or the failure; the rest is done all the same.</summary>
    public static async Task<int> EachAsync(
        Session session, ParsedCommand parsed, Func<string, Task> act, string? summary = null, Func<EngineException, bool>? ignored = null,
        Func<EngineException, bool>? forgiven = null)
    {
        List<string> failed = [];
        foreach (string name in parsed.Arguments)
        {
            try
            {
                await act(name);
                session.PrintLine(name);
            }
            catch (EngineException e) when (!e.IsConnectionFailure)
            {
                if (ignored?.Invoke(e) == true)
                    continue;
                session.Warn(e.Display);
                if (forgiven?.Invoke(e) != true)
                    failed.Add(name);
            }
        }
        if (failed.Count > 0 && summary is not null)
            session.Warn($"{summary}: {string.Join(", ", failed)}");
        return failed.Count > 0 ? 1 : 0;
    }

    private static Task<int> PostEachAsync(
        Session session, ParsedCommand parsed, string verb, Func<EngineRequest, EngineRequest> query,
            CancellationToken cancellationToken) =>
        EachAsync(session, parsed, name => session.Engine.SendForStatusAsync(
            query(EngineRequest.Post($"/containers/{EngineRequest.Escape(name)}/{verb}")), cancellationToken));

    private static EngineRequest WithGrace(EngineRequest request, ParsedCommand parsed)
    {
        request.QueryUnlessEmpty("signal", parsed.String("signal"));
        return parsed.Has("timeout") ? request.Query("t", parsed.String("timeout")) : request;
    }
}
