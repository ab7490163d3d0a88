using Berth.Cli.Parsing;

namespace Berth.Cli.Commands;

/// <summary>The commands of <c>berth network</c> and their options.</summary>
internal static class NetworkCatalog
{
    public static Command Connect() => new()
    {
        Usages = ["[OPTIONS] NETWORK CONTAINER"],
        Description = "Connect a container to a network",
        Arguments = Arguments.Exactly(2),
        RunAsync = NetworkCommands.ConnectAsync,
        Flags =
        [
            new("alias", "strings", "Add network-scoped alias for the container"),
            new("driver-opt", "strings", "driver options for the network"),
            new("gw-priority", "int",
                "Highest gw-priority provides the default gateway. Accepts positive and negative values."),
            new("ip", "string", "IPv4 address (e.g., \"172.30.100.104\")"),
            new("ip6", "string", "IPv6 address (e.g., \"2001:db8::33\")"),
            new("link", "list", "Add link to another container"),
            new("link-local-ip", "strings", "Add a link-local address for the container"),
        ],
    };

    public static Command Create() => new()
    {
        Usages = ["[OPTIONS] NETWORK"],
        Description = "Create a network",
        Arguments = Arguments.Exactly(1),
        RunAsync = NetworkCommands.CreateAsync,
        Flags =
        [
            new("attachable", "bool", "Enable manual container attachment"),
            new("aux-address", "map", "Auxiliary IPv4 or IPv6 addresses used by Network driver", "map[]"),
            new("config-from", "string", "The network from which to copy the configuration"),
            new("config-only", "bool", "Create a configuration only network"),
            new("driver", 'd', "string", "Driver to manage the Network", "bridge"),
            new("gateway", "strings", "IPv4 or IPv6 Gateway for the master subnet"),
            new("ingress", "bool", "Create swarm routing-mesh network"),
            new("internal", "bool", "Restrict external access to the network"),
            new("ip-range", "strings", "Allocate container ip from a sub-range"),
            new("ipam-driver", "string", "IP Address Management Driver", "default"),
            new("ipam-opt", "map", "Set IPAM driver specific options", "map[]"),
            new("ipv4", "bool", "Enable or disable IPv4 address assignment", "true"),
            new("ipv6", "bool", "Enable or disable IPv6 address assignment"),
            new("label", "list", "Set metadata on a network") { Validate = FlagChecks.Label },
            new("opt", 'o', "map", "Set driver specific options", "map[]"),
            new("scope", "string", "Control the network's scope"),
            new("subnet", "strings", "Subnet in CIDR format that represents a network segment"),
        ],
    };

    public static Command Disconnect() => new()
    {
        Usages = ["[OPTIONS] NETWORK CONTAINER"],
        Description = "Disconnect a container from a network",
        Arguments = Arguments.Exactly(2),
        RunAsync = NetworkCommands.DisconnectAsync,
        Flags =
        [
            new("force", 'f', "bool", "Force the container to disconnect from a network"),
        ],
    };

    public static Command Inspect() => new()
    {
        Usages = ["[OPTIONS] NETWORK [NETWORK...]"],
        Description = "Display detailed information on one or more networks",
        Arguments = Arguments.AtLeast(1),
        RunAsync = InspectCommand.NetworksAsync,
        Flags =
        [
            new("format", 'f', "string", FlagText.Format),
            new("verbose", 'v', "bool", "Verbose output for diagnostics"),
        ],
    };

    public static Command Ls() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "List networks",
        Aliases = "berth network ls, berth network list",
        Arguments = Arguments.None,
        RunAsync = NetworkCommands.ListAsync,
        Flags =
        [
            new("filter", 'f', "filter", "Provide filter values (e.g. \"driver=bridge\")"),
            new("format", "string", FlagText.TableFormat),
            new("no-trunc", "bool", "Do not truncate the output"),
            new("quiet", 'q', "bool", "Only display network IDs"),
        ],
    };

    public static Command Prune() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Remove all unused networks",
        Arguments = Arguments.None,
        RunAsync = PruneCommands.NetworksAsync,
        Flags =
        [
            new("filter", "filter", "Provide filter values (e.g. \"until=<timestamp>\")"),
            new("force", 'f', "bool", "Do not prompt for confirmation"),
        ],
    };

    public static Command Rm() => new()
    {
        Usages = ["NETWORK [NETWORK...]"],
        Description = "Remove one or more networks",
        Aliases = "berth network rm, berth network remove",
        Arguments = Arguments.AtLeast(1),
        RunAsync = NetworkCommands.RemoveAsync,
        Flags =
        [
            new("force", 'f', "bool", "Do not error if the network does not exist"),
        ],
    };
}
