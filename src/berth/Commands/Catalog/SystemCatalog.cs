using Berth.Cli.Parsing;

namespace Berth.Cli.Commands;

/// <summary>The commands of <c>berth system</c> and their options.</summary>
internal static class SystemCatalog
{
    public static Command Df() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Show docker disk usage",
        Arguments = Arguments.None,
        RunAsync = DiskUsageCommand.RunAsync,
        Flags =
        [
            new("format", "string", FlagText.TableFormat),
            new("verbose", 'v', "bool", "Show detailed information on space usage"),
        ],
    };

    public static Command DialStdio() => new()
    {
        Usages = [""],
        Description = "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
        Arguments = Arguments.None,
        RunAsync = DialStdioCommand.RunAsync,
    };

    public static Command Events() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Get real time events from the server",
        Aliases = "berth system events, berth events",
        Arguments = Arguments.None,
        RunAsync = EventsCommand.RunAsync,
        Flags =
        [
            new("filter", 'f', "filter", "Filter output based on conditions provided"),
            new("format", "string", FlagText.Format),
            new("since", "string", "Show all events created since timestamp"),
            new("until", "string", "Stream events until this timestamp"),
        ],
    };

    public static Command Info() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Display system-wide information",
        Aliases = "berth system info, berth info",
        Arguments = Arguments.None,
        RunAsync = InfoCommand.RunAsync,
        Flags =
        [
            new("format", 'f', "string", FlagText.Format),
        ],
    };

    public static Command Prune() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Remove unused data",
        Arguments = Arguments.None,
        RunAsync = PruneCommands.SystemAsync,
        Flags =
        [
            new("all", 'a', "bool", "Remove all unused images not just dangling ones"),
            new("filter", "filter", "Provide filter values (e.g. \"label=<key>=<value>\")"),
            new("force", 'f', "bool", "Do not prompt for confirmation"),
            new("volumes", "bool", "Prune anonymous volumes"),
        ],
    };
}
