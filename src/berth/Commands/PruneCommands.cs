using System.Runtime.InteropServices;
using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary>Everything that removes what is not used.</summary>
internal static class PruneCommands
{
    public static Task<int> ContainersAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) => AskedAsync(
        session, parsed, "WARNING! This will remove all stopped containers.",
        () => OneAsync(session, "/containers/prune", Filters.Of(parsed.List("filter")), "Deleted Containers:",
            "ContainersDeleted", cancellationToken));

    public static Task<int> ImagesAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) => AskedAsync(
        session, parsed, parsed.Bool("all") ? "WARNING! This will remove all images without at least one container associated to them."
            : "WARNING! This will remove all dangling images.",
        () => OneAsync(
            session, "/images/prune", Filters.Of(parsed.List("filter"), ("dangling", parsed.Bool("all") ? "false" : "true")),
            "Deleted Images:", "ImagesDeleted", cancellationToken));

    public static async Task<int> NetworksAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        if (!parsed.Bool("force") && !await ConfirmAsync(
            session, "WARNING! This will remove all custom networks not used by at least one container.\n"))
        {
            return 0;
        }
        await OneAsync(session, "/networks/prune", Filters.Of(parsed.List("filter")), "Deleted Networks:",
            "NetworksDeleted", cancellationToken);
        return 0;
    }

    public static Task<int> VolumesAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        bool all = parsed.Bool("all");
        if (all && parsed.List("filter").FirstOrDefault(static one => one.StartsWith("all=", StringComparison.Ordinal)) is { } same)
            throw new CommandException($"conflicting options: cannot specify both --all and --filter {same}");
        (string, string)[] more = all ? [("all", "true")] : [];
        return AskedAsync(
            session, parsed, all ? "WARNING! This will remove all local volumes not used by at least one container."
                : "WARNING! This will remove anonymous local volumes not used by at least one container.",
            () => OneAsync(session, "/volumes/prune", Filters.Of(parsed.List("filter"), more), "Deleted Volumes:",
                "VolumesDeleted", cancellationToken));
    }

    public static async Task<int> BuildAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        if (!parsed.Bool("force") && !await ConfirmAsync(session, parsed.Bool("all") ? "WARNING! This will remove all build cache. "
            : "WARNING! This will remove all dangling build cache. "))
        {
            return 0;
        }
        long freed = await BuildCacheAsync(
            session, parsed.Bool("all"), Filters.Of(parsed.List("filter")), parsed.Bytes("keep-storage"), cancellationToken);
        session.PrintLine($"Total reclaimed space: {Humanize.Size(freed, 4)}");
        return 0;
    }

    public static async Task<int> SystemAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        bool all = parsed.Bool("all");
        if (parsed.Bool("volumes") && parsed.List("filter").Any(static f => f.StartsWith("until=", StringComparison.Ordinal)))
            throw new CommandException("ERROR: The \"until\" filter is not supported with \"--volumes\"");
        string warning = "WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one container\n"
            + (parsed.Bool("volumes") ? "  - all anonymous volumes not used by at least one container\n" : "")
            + (all ? "  - all images without at least one container associated to them\n  - all build cache\n"
                : "  - all dangling images\n  - unused build cache\n");
        if (!parsed.Bool("force") && !await ConfirmAsync(session, warning + "\n"))
            return 0;
        string filters = Filters.Of(parsed.List("filter"));
        long freed = await OneAsync(session, "/containers/prune", filters, "Deleted Containers:", "ContainersDeleted", cancellationToken);
        await OneAsync(session, "/networks/prune", filters, "Deleted Networks:", "NetworksDeleted", cancellationToken);
        if (parsed.Bool("volumes"))
            freed += await OneAsync(session, "/volumes/prune", filters, "Deleted Volumes:", "VolumesDeleted", cancellationToken);
        string imageFilters = Filters.Of(parsed.List("filter"), ("dangling", all ? "false" : "true"));
        freed += await OneAsync(session, "/images/prune", imageFilters, "Deleted Images:", "ImagesDeleted", cancellationToken);
        freed += await BuildCacheAsync(session, all, filters, 0, cancellationToken);
        session.PrintLine($"Total reclaimed space: {Humanize.Size(freed, 4)}");
        return 0;
    }

    private static async Task<int> AskedAsync(Session session, ParsedCommand parsed, string warning, Func<Task<long>> prune)
    {
        if (!parsed.Bool("force") && !await ConfirmAsync(session, warning + "\n"))
            return 0;
        session.PrintLine($"Total reclaimed space: {Humanize.Size(await prune(), 4)}");
        return 0;
    }

    private static async Task<long> OneAsync(
        Session session, string path, string filters, string title, string field, CancellationToken cancellationToken)
    {
        JsonElement answer = await session.Engine.SendForJsonAsync(
            EngineRequest.Post(path).QueryUnlessEmpty("filters", filters), cancellationToken);
        List<string> lines = [];
        foreach (JsonElement item in answer.Items(field))
        {
            lines.Add(item.ValueKind == JsonValueKind.String ? item.GetString()!
                : item.Text("Untagged") is { Length: > 0 } name ? $"untagged: {name}" : $"deleted: {item.Text("Deleted")}");
        }
        if (lines.Count > 0)
            session.PrintLine($"{title}\n{string.Join('\n', lines)}\n");
        return answer.Number("SpaceReclaimed");
    }

    private static async Task<long> BuildCacheAsync(
        Session session, bool all, string filters, long keep, CancellationToken cancellationToken)
    {
        EngineRequest request = EngineRequest.Post("/build/prune").QueryIf("all", all).QueryUnlessEmpty("filters", filters)
            .QueryUnlessEmpty("keep-storage", keep > 0 ? keep.ToString(System.Globalization.CultureInfo.InvariantCulture) : "");
        JsonElement answer = await session.Engine.SendForJsonAsync(request, cancellationToken);
        string[] caches = answer.Texts("CachesDeleted");
        if (caches.Length > 0)
            session.PrintLine($"Deleted build cache objects:\n{string.Join('\n', caches)}\n");
        return answer.Number("SpaceReclaimed");
    }

    // As Docker: who says no has got what was asked for, and so has who leaves by ctrl-c: code 0.
    private static async Task<bool> ConfirmAsync(Session session, string warning)
    {
        TaskCompletionSource left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Leave);
        using PosixSignalRegistration end = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Leave);
        session.Print($"{warning}Are you sure you want to continue? [y/N] ");
        // On a thread of its own: a read of a terminal cannot be called off.
        Task<string> answer = Task.Run(() => ReadLine(session.Console.Input));
        if (await Task.WhenAny(answer, left.Task) == left.Task)
        {
            session.PrintLine("");
            return false;
        }
        return (await answer).Trim().Equals("y", StringComparison.OrdinalIgnoreCase);

        void Leave(PosixSignalContext context)
        {
            context.Cancel = true;
            left.TrySetResult();
        }
    }

    private static string ReadLine(Stream input)
    {
        List<byte> bytes = [];
        byte[] one = new byte[1];
        while (input.Read(one) == 1 && one[0] != '\n')
            bytes.Add(one[0]);
        return System.Text.Encoding.UTF8.GetString([.. bytes]);
    }
}
