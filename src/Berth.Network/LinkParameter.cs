using Berth.Faults;

namespace Berth.Network;

/// <summary>A kernel parameter of one link, as Docker's <c>com.docker.network.endpoint.sysctls</c> says it:
/// <c>net.ipv4.conf.IFNAME.log_martians=1</c>.</summary>
/// <param name="Group">What stands before the link's name: <c>net/ipv4/conf</c>.</param>
/// <param name="Name">What stands behind it: <c>log_martians</c>.</param>
/// <param name="Value">What it is set to.</param>
/// <remarks>proc(5), /proc/sys/net.</remarks>
public sealed record LinkParameter(string Group, string Name, string Value)
{
    private static readonly string[] s_families = ["ipv4", "ipv6", "mpls"];

    /// <summary>Reads a list with commas between.</summary>
    /// <exception cref="FaultException">InvalidArgument: one is none, with Docker's text.</exception>
    public static IReadOnlyList<LinkParameter> ParseList(string text) => [.. text.Split(',').Select(Parse)];

    /// <summary>Whether it switches IPv6 off.</summary>
    public bool SwitchesIPv6Off => this is { Group: "net/ipv6/conf", Name: "disable_ipv6", Value: not "0" };

    private static LinkParameter Parse(string text)
    {
        const int Parts = 5;
        string[] parts = text.Split('.', Parts);
        // In small letters too: docker's command line makes them of all that it is given.
        if (parts.Length != Parts || parts[0] != "net" || !s_families.Contains(parts[1]) || parts[3] is not ("IFNAME" or "ifname"))
        {
            throw FaultException.Invalid($"unrecognised network interface sysctl '{text}'; represent 'net.X.Y.ethN.Z=V' as "
                + "'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'");
        }
        int equals = parts[4].IndexOf('=');
        if (equals < 0)
            throw FaultException.Invalid($"expected sysctl '{text}' to have format name=value");
        string name = parts[4][..equals];
        if (name.Length == 0 || (parts[2] + name).AsSpan().ContainsAny('.', '/', '\0') || parts[2].Length == 0)
            throw FaultException.Invalid($"expected sysctl '{text}' to have format net.X.Y.IFNAME.Z");
        return new LinkParameter($"net/{parts[1]}/{parts[2]}", name, parts[4][(equals + 1)..]);
    }
}
