using Berth.Cli.Parsing;

namespace Berth.Cli.Commands;

/// <summary>The commands of <c>berth context</c> and their options.</summary>
internal static class ContextCatalog
{
    public static Command Create() => new()
    {
        Usages = ["[OPTIONS] CONTEXT"],
        Description =
            "Create a context\n\nDocker endpoint config:\n\nNAME                "
            + "DESCRIPTION\nfrom                Copy named context's Docker endpoint "
            + "configuration\nhost                Docker endpoint on which to connect\nca                  "
            + "Trust certs signed only by this CA\ncert                Path to TLS certificate "
            + "file\nkey                 Path to TLS key file\nskip-tls-verify     Skip TLS certificate "
            + "validation\n\nExample:\n\n$ berth context create my-context --description \"some description\" "
            + "--docker \"host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file\"",
        Arguments = Arguments.Exactly(1),
        RunAsync = ContextCommands.CreateAsync,
        Flags =
        [
            new("description", "string", "Description of the context"),
            new("docker", "stringToString", "set the docker endpoint", "[]"),
            new("from", "string", "create context from a named context"),
        ],
    };

    public static Command Export() => new()
    {
        Usages = ["[OPTIONS] CONTEXT [FILE|-]"],
        Description = "Export a context to a tar archive FILE or a tar stream on STDOUT.",
        Arguments = Arguments.Between(1, 2),
        RunAsync = ContextCommands.ExportAsync,
    };

    public static Command Import() => new()
    {
        Usages = ["CONTEXT FILE|-"],
        Description = "Import a context from a tar file",
        Arguments = Arguments.Exactly(2),
        RunAsync = ContextCommands.ImportAsync,
    };

    public static Command Inspect() => new()
    {
        Usages = ["[OPTIONS] [CONTEXT] [CONTEXT...]"],
        Description = "Display detailed information on one or more contexts",
        Arguments = Arguments.Any,
        RunAsync = ContextCommands.InspectAsync,
        Flags =
        [
            new("format", 'f', "string", FlagText.Format),
        ],
    };

    public static Command Ls() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "List contexts",
        Aliases = "berth context ls, berth context list",
        Arguments = Arguments.None,
        RunAsync = ContextCommands.ListAsync,
        Flags =
        [
            new("format", "string", FlagText.TableFormat),
            new("quiet", 'q', "bool", "Only show context names"),
        ],
    };

    public static Command Rm() => new()
    {
        Usages = ["CONTEXT [CONTEXT...]"],
        Description = "Remove one or more contexts",
        Aliases = "berth context rm, berth context remove",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ContextCommands.RemoveAsync,
        Flags =
        [
            new("force", 'f', "bool", "Force the removal of a context in use"),
        ],
    };

    public static Command Show() => new()
    {
        Usages = [""],
        Description = "Print the name of the current context",
        Arguments = Arguments.None,
        RunAsync = ContextCommands.ShowAsync,
    };

    public static Command Update() => new()
    {
        Usages = ["[OPTIONS] CONTEXT"],
        Description =
            "Update a context\n\nDocker endpoint config:\n\nNAME                "
            + "DESCRIPTION\nfrom                Copy named context's Docker endpoint "
            + "configuration\nhost                Docker endpoint on which to connect\nca                  "
            + "Trust certs signed only by this CA\ncert                Path to TLS certificate "
            + "file\nkey                 Path to TLS key file\nskip-tls-verify     Skip TLS certificate "
            + "validation\n\nExample:\n\n$ berth context update my-context --description \"some description\" "
            + "--docker \"host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file\"",
        Arguments = Arguments.Exactly(1),
        RunAsync = ContextCommands.UpdateAsync,
        Flags =
        [
            new("description", "string", "Description of the context"),
            new("docker", "stringToString", "set the docker endpoint", "[]"),
        ],
    };

    public static Command Use() => new()
    {
        Usages = ["CONTEXT"],
        Description = "Set the current context",
        Arguments = Arguments.Exactly(1),
        RunAsync = ContextCommands.UseAsync,
    };
}
