using System.Text.Json;
using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Oci.References;

namespace Berth.Cli.Commands;

/// <summary><c>push</c>.</summary>
internal static class PushCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ImageReference reference = ImageReference.Parse(parsed.Arguments[0]);
        bool all = parsed.Bool("all-tags");
        if (all && reference.Tag is not null)
            throw new CommandException("tag can't be used with --all-tags/-a");
        if (!all && reference.Tag is null)
        {
            reference = reference.WithDefaultTag();
            if (!parsed.Bool("quiet"))
                session.PrintLine($"Using default tag: {reference.Tag}");
        }
        EngineRequest request = EngineRequest.Post($"/images/{EngineRequest.Escape(reference.Name)}/push")
            .QueryUnlessEmpty("tag", all ? "" : reference.Tag)
            .QueryUnlessEmpty("platform", PlatformText.ToJson(parsed.String("platform")))
            .Header("X-Registry-Auth", await RegistryAccounts.HeaderAsync(session, reference.Domain, cancellationToken));
        using EngineResponse response = await session.Engine.SendAsync(request, cancellationToken);
        using MemoryStream ignored = new();
        Progress progress = parsed.Bool("quiet") ? new Progress(ignored, false, 0)
            : new Progress(session.Console.Output, session.Console.OutputIsTerminal, session.Console.Size()?.Columns ?? 200);
        await progress.ShowAsync(response, cancellationToken);
        if (parsed.Bool("quiet"))
            session.PrintLine(reference.ToString());
        return 0;
    }
}

/// <summary><c>os/arch/variant</c> as the JSON that the API takes.</summary>
internal static class PlatformText
{
    // containerd's platform names, as far as one alone may stand for a platform.
    private static readonly string[] s_single =
    [
        "linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "plan9", "android", "dragonfly", "wasip1", "js",
        "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x", "wasm",
        "i386", "x86_64", "x86-64", "aarch64", "armhf", "armel",
    ];

    /// <exception cref="CommandException">Not a platform, in Docker's words.</exception>
    public static void Check(string text)
    {
        if (Array.IndexOf(s_single, text.ToLowerInvariant()) < 0)
            ToJson(text);
    }

    /// <summary>As users write it: <c>linux/arm/v7</c>.</summary>
    public static string Of(JsonElement platform) => string.Join('/', ((string[])
        [platform.Text("os") is { Length: > 0 } os ? os : "unknown", platform.Text("architecture"), platform.Text("variant")])
        .Where(static part => part.Length > 0));

    public static string ToJson(string text)
    {
        if (text.Length == 0)
            return "";
        string[] parts = text.ToLowerInvariant().Split('/');
        if (parts.Length is 1 or > 3
            || parts.Any(static p => p.Length == 0 || !p.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')))
            throw new CommandException($"\"{text}\": unknown operating system or architecture: invalid argument");
        string variant = parts.Length > 2 ? $",\"variant\":\"{parts[2]}\"" : "";
        return $"{{\"architecture\":\"{parts[1]}\",\"os\":\"{parts[0]}\"{variant}}}";
    }
}
