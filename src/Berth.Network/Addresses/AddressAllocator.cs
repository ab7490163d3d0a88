using Berth.Faults;

namespace Berth.Network;

/// <summary>Gives out the addresses of one network: the next higher one each time, so that an address that was just given back
/// stays unused as long as possible and neighbours' tables and half-closed connections do not hit the wrong container.</summary>
/// <remarks>Not thread-safe: guarded by its owner.</remarks>
internal sealed class AddressAllocator
{
    private readonly HashSet<uint> _used = [];
    private readonly string _network;
    private readonly IPv4Subnet _subnet;
    private readonly uint _first;
    private readonly uint _last;
    private uint _next;

    public AddressAllocator(Network network)
    {
        _network = $"{network.Name} ({network.Id})";
        _subnet = network.Subnet!.Value;
        IPv4Subnet range = network.IPRange ?? _subnet;
        // The network's own address and the broadcast address are nobody's, unless the subnet is too small to have them.
        bool hasEnds = _subnet.PrefixLength < 31;
        _first = hasEnds && range.Address == _subnet.Address ? range.Address.Value + 1 : range.Address.Value;
        _last = hasEnds && range.Broadcast == _subnet.Broadcast ? range.Broadcast.Value - 1 : range.Broadcast.Value;
        _next = _first;
        _used.Add(network.Gateway!.Value.Value);
        foreach (IPv4Address auxiliary in network.AuxiliaryAddresses.Values)
            _used.Add(auxiliary.Value);
    }

    /// <exception cref="FaultException">Conflict: none is left.</exception>
    public IPv4Address Next()
    {
        ulong count = (ulong)_last - _first + 1;
        for (ulong tried = 0; tried < count; tried++)
        {
            uint candidate = _next;
            _next = candidate == _last ? _first : candidate + 1;
            if (_used.Add(candidate))
                return new IPv4Address(candidate);
        }
        throw FaultException.Conflict($"no available IPv4 addresses on this network's address pools: {_network}");
    }

    /// <exception cref="FaultException">InvalidArgument: not of the subnet. Conflict: in use.</exception>
    public void Reserve(IPv4Address address)
    {
        if (!_subnet.Contains(address) || (_subnet.PrefixLength < 31 && (address == _subnet.Address || address == _subnet.Broadcast)))
            throw FaultException.Invalid($"invalid address {address}: It does not belong to any of this network's subnets");
        if (!_used.Add(address.Value))
            throw FaultException.Conflict("Address already in use");
    }

    /// <summary>Takes an address that a running container has, and goes on behind it.</summary>
    public void Restore(IPv4Address address)
    {
        _used.Add(address.Value);
        if (address.Value >= _next && address.Value <= _last)
            _next = address.Value == _last ? _first : address.Value + 1;
    }

    public void Release(IPv4Address address) => _used.Remove(address.Value);
}
