using Berth.Faults;
using Berth.Network;

namespace Berth.Engine;

/// <summary>What may be asked of a container's place in a network, with Docker's texts for what is wrong: all of it at once.</summary>
/// <remarks>moby 28, daemon/container_operations.go, validateEndpointSettings.</remarks>
internal static class EndpointRules
{
    private const string NoFixedSubnet =
        "user specified IP address is supported only when connecting to networks with user configured subnets";

    /// <summary>Refuses what cannot be.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="found">The network; null: there is none of that name yet.</param>
    /// <param name="settings">How it shall be joined.</param>
    /// <exception cref="FaultException">InvalidArgument: all that is wrong. Forbidden: nobody can join that network.</exception>
    public static void Check(string network, Network.Network? found, EndpointSettings settings)
    {
        if (found is { ConfigOnly: true })
            throw new FaultException(
                FaultKind.Forbidden, $"network {network} is a configuration for others: containers cannot join it");
        if (settings.MacAddress.Length > 0 && !MacAddress.TryParse(settings.MacAddress, out _))
            throw FaultException.Invalid($"invalid MAC address {settings.MacAddress}");
        foreach (string link in settings.Links)
            _ = LinkText.Parse(link);
        List<string> errors = [.. Problems(network, found, settings)];
        if (errors.Count > 0)
            throw FaultException.Invalid("invalid endpoint settings:\n" + ErrorList.Join(errors));
    }

    private static IEnumerable<string> Problems(string network, Network.Network? found, EndpointSettings settings)
    {
        bool isUserDefined = network is not ("bridge" or "host" or "none") && !network.StartsWith("container:", StringComparison.Ordinal);
        if ((settings.IPv4Address.Length > 0 || settings.IPv6Address.Length > 0) && !isUserDefined)
            yield return "user specified IP address is supported on user defined networks only";
        if (settings.Aliases.Count > 0 && !isUserDefined)
            yield return "network-scoped alias is supported only for containers in user defined networks";
        if (!IsAddress(settings.IPv4Address, isIPv6: false))
            yield return $"invalid IPv4 address: {settings.IPv4Address}";
        if (!IsAddress(settings.IPv6Address, isIPv6: true))
            yield return $"invalid IPv6 address: {settings.IPv6Address}";
        // Whether it is one of the link is asked when it is set, as in Docker.
        foreach (string local in settings.LinkLocalAddresses.Where(static text => !IsUsable(text)))
            yield return $"invalid link-local IP address: {local}";
        foreach (string problem in RangeProblems(settings.IPv4Address, isIPv6: false, found)
            .Concat(RangeProblems(settings.IPv6Address, isIPv6: true, found)))
            yield return problem;
        if (OptionProblem(settings) is { } option)
            yield return option;
    }

    private static bool IsUsable(string text) => InternetAddress.TryParse(text, out InternetAddress address) && address.Value != 0;

    private static bool IsAddress(string text, bool isIPv6) => text.Length == 0
        || (InternetAddress.TryParse(text, out InternetAddress address) && address.IsIPv6 == isIPv6 && address.Value != 0);

    // Docker's words, also for a network that has no address of the family at all.
    private static IEnumerable<string> RangeProblems(string text, bool isIPv6, Network.Network? network)
    {
        if (network is null || network.IsPredefined || text.Length == 0 || !InternetAddress.TryParse(text, out InternetAddress address))
            yield break;
        if (network.Plan(isIPv6) is not { IsRequested: true } plan)
            yield return NoFixedSubnet;
        else if (!plan.Subnet.Contains(address))
            yield return $"no configured subnet or ip-range contain the IP address {text}";
    }

    private static string? OptionProblem(EndpointSettings settings)
    {
        try
        {
            _ = EndpointOptions.Parse(settings.DriverOptions);
            return null;
        }
        catch (FaultException fault)
        {
            return fault.Message;
        }
    }
}
