using Berth.Faults;
using Berth.Network;

namespace Berth.Engine;

/// <summary>What the driver options of an end point ask of its link. Options that the driver does not know are kept and shown.</summary>
/// <param name="InterfaceName">The link's name inside; empty: the next free one.</param>
/// <param name="Parameters">Kernel parameters of the link.</param>
/// <remarks>docs.docker.com, "Bridge network driver", "Options for endpoints"; Docker 28 knows the same two.</remarks>
internal sealed record EndpointOptions(string InterfaceName, IReadOnlyList<LinkParameter> Parameters)
{
    /// <summary>The link's name inside.</summary>
    public const string NameOption = "com.docker.network.endpoint.ifname";

    /// <summary>Kernel parameters of the link, with commas between.</summary>
    public const string ParametersOption = "com.docker.network.endpoint.sysctls";

    // IFNAMSIZ with the byte at the end.
    private const int NameBytesMax = 15;

    /// <summary>Reads them.</summary>
    /// <exception cref="FaultException">InvalidArgument: one is wrong.</exception>
    public static EndpointOptions Parse(IReadOnlyDictionary<string, string> options)
    {
        string name = options.GetValueOrDefault(NameOption, "");
        if (options.ContainsKey(NameOption) && !IsName(name))
            throw FaultException.Invalid($"invalid interface name '{name}' ({NameOption}): 1 to {NameBytesMax} bytes are allowed, "
                + "without '/', ':', '%' and spaces, and not '.', '..', 'all' or 'default'");
        return new EndpointOptions(name,
            options.TryGetValue(ParametersOption, out string? parameters) ? LinkParameter.ParseList(parameters) : []);
    }

    // What the kernel takes (dev_valid_name), and what has parameters of its own beneath /proc/sys/net.
    private static bool IsName(string text) => System.Text.Encoding.UTF8.GetByteCount(text) is > 0 and <= NameBytesMax
        && text is not ("." or ".." or "all" or "default")
        && !text.Any(character => character is '/' or ':' or '%' || char.IsWhiteSpace(character) || char.IsControl(character));
}
