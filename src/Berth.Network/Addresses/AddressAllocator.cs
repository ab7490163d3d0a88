using Berth.Faults;

namespace Berth.Network;

/// <summary>Gives out the addresses of one family on one network: the next higher one each time, so that an address that was just
/// given back stays unused as long as possible and neighbours' tables and half-closed connections do not hit the wrong
/// container.</summary>
/// <remarks>Not thread-safe: guarded by its owner.</remarks>
internal sealed class AddressAllocator
{
    private readonly HashSet<UInt128> _used = [];
    private readonly string _network;
    private readonly InternetSubnet _subnet;
    private readonly UInt128 _first;
    private readonly UInt128 _last;
    private readonly bool _hasFirst;
    private readonly bool _hasLast;
    private UInt128 _next;

    public AddressAllocator(string network, AddressPlan plan)
    {
        _network = network;
        _subnet = plan.Subnet;
        InternetSubnet range = plan.IPRange ?? _subnet;
        // The network's own address (in IPv6 every router's) is nobody's, nor is IPv4's broadcast address, unless the subnet is too small
        // to have them.
        bool hasEnds = _subnet.PrefixLength < _subnet.Address.Bits - 1;
        _hasFirst = !hasEnds;
        _hasLast = !hasEnds || _subnet.IsIPv6;
        _first = !_hasFirst && range.Address == _subnet.Address ? range.Address.Value + 1 : range.Address.Value;
        _last = !_hasLast && range.Last == _subnet.Last ? range.Last.Value - 1 : range.Last.Value;
        _next = _first;
        if (plan.Gateway is { } gateway)
            _used.Add(gateway.Value);
        foreach (InternetAddress auxiliary in plan.AuxiliaryAddresses.Values)
            _used.Add(auxiliary.Value);
    }

    /// <exception cref="FaultException">Conflict: none is left.</exception>
    public InternetAddress Next()
    {
        // At most one more than are taken must be looked at; all of a small range.
        UInt128 most = UInt128.Min(_last - _first, (UInt128)_used.Count);
        for (UInt128 tried = 0; tried <= most; tried++)
        {
            UInt128 candidate = _next;
            _next = candidate == _last ? _first : candidate + 1;
            if (_used.Add(candidate))
                return _subnet.Address with { Value = candidate };
        }
        throw FaultException.Conflict(
            $"no available {_subnet.Address.Family} addresses on this network's address pools: {_network}");
    }

    /// <exception cref="FaultException">InvalidArgument: not of the subnet. Conflict: in use.</exception>
    public void Reserve(InternetAddress address)
    {
        if (!_subnet.Contains(address) || (!_hasFirst && address == _subnet.Address) || (!_hasLast && address == _subnet.Last))
            throw FaultException.Invalid($"invalid address {address}: It does not belong to any of this network's subnets");
        if (!_used.Add(address.Value))
            throw FaultException.Conflict("Address already in use");
    }

    /// <summary>Takes an address that a running container has, and goes on behind it.</summary>
    public void Restore(InternetAddress address)
    {
        _used.Add(address.Value);
        if (address.Value >= _next && address.Value <= _last)
            _next = address.Value == _last ? _first : address.Value + 1;
    }

    public void Release(InternetAddress address) => _used.Remove(address.Value);
}
