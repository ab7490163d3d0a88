using Berth.Faults;
using Berth.Network;

namespace Berth.Engine;

/// <summary>Reads the address ranges of a request for a network, with Docker's texts for what is wrong with them.</summary>
internal sealed class AddressRanges
{
    private readonly List<string> _errors = [];
    private readonly List<string> _warnings = [];
    private readonly List<AddressRequest> _wanted = [];

    /// <summary>What is asked of IPv4 and of IPv6, null where the network has none, and what was asked and is not used.</summary>
    /// <exception cref="FaultException">InvalidArgument: all that is wrong. Forbidden: several ranges of one family, which no bridge of
    /// Docker's has either.</exception>
    public static (AddressRequest? IPv4, AddressRequest? IPv6, string Warning) Parse(
        IReadOnlyList<AddressRange> ranges, bool hasIPv4, bool hasIPv6)
    {
        AddressRanges all = new();
        foreach (AddressRange range in ranges)
            all.Read(range, hasIPv4, hasIPv6);
        if (all._errors.Count > 0)
            throw FaultException.Invalid("invalid network config:\n" + ErrorList.Join(all._errors));
        all.RefuseSeveral();
        return (hasIPv4 ? all.Of(isIPv6: false) : null, hasIPv6 ? all.Of(isIPv6: true) : null, string.Join('\n', all._warnings));
    }

    // In Docker's order: addresses are taken before the driver sees them.
    private void RefuseSeveral()
    {
        InternetSubnet[] subnets = [.. _wanted.Select(wanted => wanted.Subnet).OfType<InternetSubnet>()];
        if (subnets.Where((subnet, index) => subnets.Skip(index + 1).Any(subnet.Overlaps)).Any())
            throw new FaultException(FaultKind.Forbidden, "invalid pool request: Pool overlaps with other one on this address space");
        if (subnets.GroupBy(subnet => subnet.IsIPv6).Any(family => family.Count() > 1))
            throw new FaultException(FaultKind.Forbidden, "bridge driver doesn't support multiple subnets");
    }

    private AddressRequest Of(bool isIPv6) =>
        _wanted.FirstOrDefault(wanted => wanted.Subnet?.IsIPv6 == isIPv6) ?? new AddressRequest();

    private void Read(AddressRange range, bool hasIPv4, bool hasIPv6)
    {
        if (range is { Subnet: "", IpRange: "", Gateway: "", AuxiliaryAddresses.Count: 0 })
            return;
        if (!InternetSubnet.TryParse(range.Subnet, out InternetAddress first, out int prefixLength))
        {
            _errors.Add($"invalid subnet {range.Subnet}: invalid CIDR block notation");
            return;
        }
        InternetSubnet subnet = new(first, prefixLength);
        // Docker takes it and makes a network without; that is said here.
        if (subnet.IsIPv6 ? !hasIPv6 : !hasIPv4)
        {
            string option = subnet.IsIPv6 ? "--ipv6" : "--ipv4";
            _warnings.Add($"subnet {subnet} is not used: the network was created without {first.Family} ({option})");
            return;
        }
        if (subnet.Address != first)
            _errors.Add($"invalid subnet {range.Subnet}: it should be {subnet}");
        _wanted.Add(new AddressRequest
        {
            Subnet = subnet,
            IPRange = Range(range.IpRange, subnet),
            Gateway = range.Gateway.Length == 0 ? null : Address(range.Gateway, $"gateway {range.Gateway}", subnet),
            AuxiliaryAddresses = range.AuxiliaryAddresses.ToDictionary(
                pair => pair.Key, pair => Address(pair.Value, $"auxiliary address {pair.Key}", subnet)),
        });
    }

    private InternetSubnet? Range(string text, InternetSubnet parent)
    {
        if (text.Length == 0)
            return null;
        if (!InternetSubnet.TryParse(text, out InternetAddress first, out int prefixLength))
        {
            _errors.Add($"invalid ip-range {text}: invalid CIDR block notation");
            return null;
        }
        InternetSubnet range = new(first, prefixLength);
        if (range.IsIPv6 != parent.IsIPv6)
        {
            _errors.Add($"invalid ip-range {text}: parent subnet is an {parent.Address.Family} block");
            return null;
        }
        if (range.PrefixLength < parent.PrefixLength)
            _errors.Add($"invalid ip-range {text}: CIDR block is bigger than its parent subnet {parent}");
        if (range.Address != first)
            _errors.Add($"invalid ip-range {text}: it should be {range}");
        if (!parent.Overlaps(range))
            _errors.Add($"invalid ip-range {text}: parent subnet {parent} doesn't contain ip-range");
        return range;
    }

    private InternetAddress Address(string text, string what, InternetSubnet parent)
    {
        if (!InternetAddress.TryParse(text, out InternetAddress address))
            _errors.Add($"invalid {what}: invalid address");
        else if (address.IsIPv6 != parent.IsIPv6)
            _errors.Add($"invalid {what}: parent subnet is an {parent.Address.Family} block");
        else if (!parent.Contains(address))
            _errors.Add($"invalid {what}: parent subnet {parent} doesn't contain this address");
        return address;
    }
}
