using System.Text.Json;
using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Faults;

namespace Berth.Cli.Commands;

/// <summary>What may stand for a flag's value and for an argument. Nothing known: the shell offers files.</summary>
internal static class CompletionValues
{
    private static readonly string[] s_signals =
    [
        "ABRT", "ALRM", "BUS", "CHLD", "CONT", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "PROF", "PWR", "QUIT", "SEGV", "STOP", "SYS",
        "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
    ];

    // Verbs for containers that run; the others take all.
    private static readonly string[] s_running =
        ["attach", "commit", "diff", "exec", "kill", "pause", "port", "stats", "stop", "top", "unpause", "wait"];

    public static Task<IEnumerable<string>> OfFlagAsync(Session session, Flag flag, CancellationToken cancellationToken) => flag.Name switch
    {
        "network" => AskAsync(session, "NETWORK", false, cancellationToken),
        "volumes-from" => AskAsync(session, "CONTAINER", false, cancellationToken),
        "context" => AskAsync(session, "CONTEXT", false, cancellationToken),
        "pull" => Fixed("always", "missing", "never"),
        "restart" => Fixed("always", "no", "on-failure", "unless-stopped"),
        "signal" or "stop-signal" => Fixed(s_signals),
        "log-level" => Fixed("debug", "error", "fatal", "info", "panic", "warn"),
        "type" when flag.Usage.Contains("objects", StringComparison.Ordinal) => Fixed("container", "image", "network", "volume"),
        "platform" => Fixed("linux/amd64", "linux/arm/v7", "linux/arm64"),
        _ => Fixed(),
    };

    /// <param name="session">Whose engine is asked.</param>
    /// <param name="verb">The command's name.</param>
    /// <param name="command">The command, whose usage says what each argument is.</param>
    /// <param name="position">How many arguments stand before.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task<IEnumerable<string>> OfArgumentAsync(
        Session session, string verb, Command command, int position, CancellationToken cancellationToken)
    {
        bool running = Array.IndexOf(s_running, verb) >= 0;
        foreach (string usage in command.Usages)
        {
            string[] kinds = [.. usage.Split(' ').Where(static w => w != "[OPTIONS]")];
            string kind = position < kinds.Length ? kinds[position] : kinds is [.., var last] && last.Contains("...") ? last : "";
            if (KindOf(kind) is { } known)
                return await AskAsync(session, known, running, cancellationToken);
        }
        return [];
    }

    private static string? KindOf(string argument) => argument.Contains("NAME|ID", StringComparison.Ordinal) ? "CONTAINER"
        : Array.Find(["CONTAINER", "IMAGE", "NETWORK", "VOLUME", "CONTEXT"], k => argument.Contains(k, StringComparison.Ordinal));

    private static Task<IEnumerable<string>> Fixed(params string[] values) => Task.FromResult<IEnumerable<string>>(values);

    private static async Task<IEnumerable<string>> AskAsync(
        Session session, string kind, bool running, CancellationToken cancellationToken)
    {
        if (kind == "CONTEXT")
            return new ContextStore(session.ConfigDirectory).All().Select(static c => c.Name).Append("default");
        string path = kind switch
        {
            "CONTAINER" => "/containers/json", "IMAGE" => "/images/json", "NETWORK" => "/networks", _ => "/volumes",
        };
        try
        {
            JsonElement all = await session.Engine.SendForJsonAsync(
                EngineRequest.Get(path).QueryIf("all", kind == "CONTAINER" && !running), cancellationToken);
            return kind switch
            {
                "CONTAINER" => all.Elements().SelectMany(static c => c.Texts("Names")).Select(static n => n.TrimStart('/')),
                "IMAGE" => all.Elements().SelectMany(static i => i.Texts("RepoTags")),
                "NETWORK" => all.Elements().Select(static n => n.Text("Name")),
                _ => all.Items("Volumes").Select(static v => v.Text("Name")),
            };
        }
        catch (Exception e) when (e is EngineException or FaultException)
        {
            // Without an engine there is nothing to offer.
            return [];
        }
    }
}
