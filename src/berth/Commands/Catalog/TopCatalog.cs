using Berth.Cli.Parsing;

namespace Berth.Cli.Commands;

/// <summary>The commands of <c>berth</c> and their options.</summary>
internal static class TopCatalog
{
    public static Command Search() => new()
    {
        Usages = ["[OPTIONS] TERM"],
        Description = "Search Docker Hub for images, or another registry with REGISTRY/TERM",
        Arguments = Arguments.Exactly(1),
        RunAsync = SearchCommand.RunAsync,
        Flags =
        [
            new("filter", 'f', "filter", "Filter output based on conditions provided"),
            new("format", "string", "Pretty-print search using a Go template"),
            new("limit", "int", "Max number of search results"),
            new("no-trunc", "bool", "Don't truncate output"),
        ],
    };

    public static Command Tags() => new()
    {
        Usages = ["[OPTIONS] NAME"],
        Description = "List the tags of a repository at its registry",
        Arguments = Arguments.Exactly(1),
        RunAsync = TagsCommand.RunAsync,
        Flags =
        [
            new("format", "string", FlagText.Format),
            new("last", "string", "List tags after this one"),
            new("limit", "int", "Max number of tags"),
        ],
    };

    public static Command Login() => new()
    {
        Usages = ["[OPTIONS] [SERVER]"],
        Description = "Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.",
        Arguments = Arguments.Between(0, 1),
        RunAsync = LoginCommands.LoginAsync,
        Flags =
        [
            new("password", 'p', "string", "Password or Personal Access Token (PAT)"),
            new("password-stdin", "bool", "Take the Password or Personal Access Token (PAT) from stdin"),
            new("username", 'u', "string", "Username"),
        ],
    };

    public static Command Logout() => new()
    {
        Usages = ["[SERVER]"],
        Description = "Log out from a registry.\nIf no server is specified, the default is defined by the daemon.",
        Arguments = Arguments.Between(0, 1),
        RunAsync = LoginCommands.LogoutAsync,
    };

    public static Command Version() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Show the Berth version information",
        Arguments = Arguments.None,
        RunAsync = VersionCommand.RunAsync,
        Flags =
        [
            new("format", 'f', "string", FlagText.Format),
        ],
    };

    public static Command Inspect() => new()
    {
        Usages = ["[OPTIONS] NAME|ID [NAME|ID...]"],
        Description = "Return low-level information on Docker objects",
        Arguments = Arguments.AtLeast(1),
        RunAsync = InspectCommand.AnythingAsync,
        Flags =
        [
            new("format", 'f', "string", FlagText.Format),
            new("size", 's', "bool", "Display total file sizes if the type is container"),
            new("type", "string", "Only inspect objects of the given type"),
        ],
    };

    public static Command BuilderPrune() => new()
    {
        Usages = [""],
        Description = "Remove build cache",
        Arguments = Arguments.None,
        RunAsync = PruneCommands.BuildAsync,
        Flags =
        [
            new("all", 'a', "bool", "Remove all unused build cache, not just dangling ones"),
            new("filter", "filter", "Provide filter values (e.g. \"until=24h\")"),
            new("force", 'f', "bool", "Do not prompt for confirmation"),
            new("keep-storage", "bytes", "Amount of disk space to keep for cache"),
        ],
    };
}
