using Berth.Runtime.Bus;

namespace Berth.Runtime.Systemd;

/// <summary>A setting of a unit. systemd.resource-control(5), org.freedesktop.systemd1(5).</summary>
/// <param name="Name">As on the bus: <c>MemoryMax</c>.</param>
/// <param name="Value">With its type.</param>
internal readonly record struct UnitProperty(string Name, BusValue Value)
{
    /// <summary>Settings as the manager's methods take them.</summary>
    public static BusValue ToArray(IEnumerable<UnitProperty> properties) => BusValue.Array("(sv)",
        [.. properties.Select(static property => BusValue.Tuple(BusValue.Of(property.Name), new BusVariant(property.Value)))]);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}={Value}";
}
