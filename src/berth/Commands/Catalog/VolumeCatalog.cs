using Berth.Cli.Parsing;

namespace Berth.Cli.Commands;

/// <summary>The commands of <c>berth volume</c> and their options.</summary>
internal static class VolumeCatalog
{
    public static Command Create() => new()
    {
        Usages = ["[OPTIONS] [VOLUME]"],
        Description = "Create a volume",
        Arguments = Arguments.Between(0, 1),
        RunAsync = VolumeCommands.CreateAsync,
        Flags =
        [
            new("availability", "string", "Cluster Volume availability (\"active\", \"pause\", \"drain\")", "active"),
            new("driver", 'd', "string", "Specify volume driver name", "local"),
            new("group", "string", "Cluster Volume group (cluster volumes)"),
            new("label", "list", "Set metadata for a volume") { Validate = FlagChecks.Label },
            new("limit-bytes", "bytes", "Minimum size of the Cluster Volume in bytes"),
            new("name", "string", "Specify volume name") { IsHidden = true },
            new("opt", 'o', "map", "Set driver specific options", "map[]"),
            new("required-bytes", "bytes", "Maximum size of the Cluster Volume in bytes"),
            new("scope", "string", "Cluster Volume access scope (\"single\", \"multi\")", "single"),
            new("secret", "map", "Cluster Volume secrets", "map[]"),
            new("sharing", "string",
                "Cluster Volume access sharing (\"none\", \"readonly\", \"onewriter\", \"all\")", "none"),
            new("topology-preferred", "list", "A topology that the Cluster Volume would be preferred in"),
            new("topology-required", "list", "A topology that the Cluster Volume must be accessible from"),
            new("type", "string", "Cluster Volume access type (\"mount\", \"block\")", "block"),
        ],
    };

    public static Command Inspect() => new()
    {
        Usages = ["[OPTIONS] VOLUME [VOLUME...]"],
        Description = "Display detailed information on one or more volumes",
        Arguments = Arguments.AtLeast(1),
        RunAsync = InspectCommand.VolumesAsync,
        Flags =
        [
            new("format", 'f', "string", FlagText.Format),
        ],
    };

    public static Command Ls() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "List volumes",
        Aliases = "berth volume ls, berth volume list",
        Arguments = Arguments.None,
        RunAsync = VolumeCommands.ListAsync,
        Flags =
        [
            new("cluster", "bool", "Display only cluster volumes, and use cluster volume list formatting"),
            new("filter", 'f', "filter", "Provide filter values (e.g. \"dangling=true\")"),
            new("format", "string", FlagText.TableFormat),
            new("quiet", 'q', "bool", "Only display volume names"),
        ],
    };

    public static Command Prune() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Remove unused local volumes",
        Arguments = Arguments.None,
        RunAsync = PruneCommands.VolumesAsync,
        Flags =
        [
            new("all", 'a', "bool", "Remove all unused volumes, not just anonymous ones"),
            new("filter", "filter", "Provide filter values (e.g. \"label=<label>\")"),
            new("force", 'f', "bool", "Do not prompt for confirmation"),
        ],
    };

    public static Command Update() => new()
    {
        Usages = ["[OPTIONS] [VOLUME]"],
        Description = "Update a volume (cluster volumes only)",
        Arguments = Arguments.Between(0, 1),
        RunAsync = VolumeCommands.UpdateAsync,
        Flags =
        [
            new("availability", "string", "Cluster Volume availability (\"active\", \"pause\", \"drain\")", "active"),
        ],
    };

    public static Command Rm() => new()
    {
        Usages = ["[OPTIONS] VOLUME [VOLUME...]"],
        Description = "Remove one or more volumes. You cannot remove a volume that is in use by a container.",
        Aliases = "berth volume rm, berth volume remove",
        Arguments = Arguments.AtLeast(1),
        RunAsync = VolumeCommands.RemoveAsync,
        Flags =
        [
            new("force", 'f', "bool", "Force the removal of one or more volumes"),
        ],
    };
}
