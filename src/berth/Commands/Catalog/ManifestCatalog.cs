using Berth.Cli.Parsing;

namespace Berth.Cli.Commands;

/// <summary>The commands of <c>berth manifest</c> and their options.</summary>
internal static class ManifestCatalog
{
    public static Command Annotate() => new()
    {
        Usages = ["[OPTIONS] MANIFEST_LIST MANIFEST"],
        Description = "Add additional information to a local image manifest",
        Arguments = Arguments.Exactly(2),
        RunAsync = ManifestCommands.AnnotateAsync,
        Flags =
        [
            new("arch", "string", "Set architecture"),
            new("os", "string", "Set operating system"),
            new("os-features", "strings", "Set operating system feature"),
            new("os-version", "string", "Set operating system version"),
            new("variant", "string", "Set architecture variant"),
        ],
    };

    public static Command Create() => new()
    {
        Usages = ["MANIFEST_LIST MANIFEST [MANIFEST...]"],
        Description = "Create a local manifest list for annotating and pushing to a registry",
        Arguments = Arguments.AtLeast(2),
        RunAsync = ManifestCommands.CreateAsync,
        Flags =
        [
            new("amend", 'a', "bool", "Amend an existing manifest list"),
            new("insecure", "bool", "Allow communication with an insecure registry"),
        ],
    };

    public static Command Inspect() => new()
    {
        Usages = ["[OPTIONS] [MANIFEST_LIST] MANIFEST"],
        Description = "Display an image manifest, or manifest list",
        Arguments = Arguments.Between(1, 2),
        RunAsync = ManifestCommands.InspectAsync,
        Flags =
        [
            new("insecure", "bool", "Allow communication with an insecure registry"),
            new("verbose", 'v', "bool", "Output additional info including layers and platform"),
        ],
    };

    public static Command Push() => new()
    {
        Usages = ["[OPTIONS] MANIFEST_LIST"],
        Description = "Push a manifest list to a repository",
        Arguments = Arguments.Exactly(1),
        RunAsync = ManifestCommands.PushAsync,
        Flags =
        [
            new("insecure", "bool", "Allow push to an insecure registry"),
            new("purge", 'p', "bool", "Remove the local manifest list after push"),
        ],
    };

    public static Command Rm() => new()
    {
        Usages = ["MANIFEST_LIST [MANIFEST_LIST...]"],
        Description = "Delete one or more manifest lists from local storage",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ManifestCommands.RemoveAsync,
    };
}
