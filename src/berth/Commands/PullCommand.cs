using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Oci.References;

namespace Berth.Cli.Commands;

/// <summary><c>pull</c>.</summary>
internal static class PullCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ImageReference reference = ImageReference.Parse(parsed.Arguments[0]);
        bool all = parsed.Bool("all-tags");
        if (all && (reference.Tag is not null || reference.Digest is not null))
            throw new CommandException("tag can't be used with --all-tags/-a");
        if (!all && reference.Tag is null && reference.Digest is null && !parsed.Bool("quiet"))
            session.PrintLine("Using default tag: latest");
        string platform = parsed.String("platform") is { Length: > 0 } given ? given : session.Variable("DOCKER_DEFAULT_PLATFORM") ?? "";
        using MemoryStream ignored = new();
        Progress progress = parsed.Bool("quiet") ? new Progress(ignored, false, 0)
            : new Progress(session.Console.Output, session.Console.OutputIsTerminal, session.Console.Size()?.Columns ?? 200);
        await PullAsync(session, parsed.Arguments[0], platform, all, progress, cancellationToken);
        session.PrintLine((all ? reference : reference.WithDefaultTag()).ToString());
        return 0;
    }

    public static async Task PullAsync(
        Session session, string image, string platform, bool allTags, Progress progress, CancellationToken cancellationToken)
    {
        ImageReference reference = ImageReference.Parse(image);
        string tag = allTags ? "" : reference.Digest?.ToString() ?? reference.Tag ?? "latest";
        EngineRequest request = EngineRequest.Post("/images/create").Query("fromImage", reference.Name).QueryUnlessEmpty("tag", tag)
            .QueryUnlessEmpty("platform", platform.ToLowerInvariant())
            .Header("X-Registry-Auth", await RegistryAccounts.HeaderAsync(session, reference.Domain, cancellationToken));
        using EngineResponse response = await session.Engine.SendAsync(request, cancellationToken);
        await progress.ShowAsync(response, cancellationToken);
    }
}
