using Berth.Engine.State;
using Berth.Network;

namespace Berth.Engine;

/// <summary>The variables by which a container on the default bridge knows those that it is linked to, as programs of the time before
/// networks had names read them: <c>DB_PORT</c>, <c>DB_PORT_5432_TCP_ADDR</c>, <c>DB_NAME</c>, <c>DB_ENV_…</c>.</summary>
internal static class LinkVariables
{
    // Four variables each: all 65,535 would be more than a program can be started with.
    private const int PortsMax = 1000;

    /// <summary>Those of all links whose other end runs now.</summary>
    public static IReadOnlyList<string> Of(ContainerRecord record, ContainerTable containers)
    {
        List<string> all = [];
        foreach ((string target, string alias) in LinkText.NamesOf(record))
        {
            if (containers.TryFind(target)?.Record is { State.Running: true } other
                && other.Endpoints.FirstOrDefault(static endpoint => endpoint.NetworkName == "bridge")?.Addresses.FirstOrDefault() is
                    { Bits: > 0 } address)
                all.AddRange(Of(record.Name, alias, other, address));
        }
        return all;
    }

    /// <summary>Those of one link.</summary>
    public static IEnumerable<string> Of(string owner, string alias, ContainerRecord other, InternetAddress address)
    {
        string prefix = alias.ToUpperInvariant().Replace('-', '_');
        string host = address.IsIPv6 ? $"[{address}]" : address.ToString();
        (ushort Port, string Protocol)[] ports =
        [
            .. (other.Config.ExposedPorts ?? []).Concat(other.Host.PortBindings?.Keys ?? [])
                .Where(static port => !port.EndsWith("/sctp", StringComparison.OrdinalIgnoreCase))
                .SelectMany(PublishRules.Ports).Distinct()
                .OrderBy(static port => port.Port).ThenBy(static port => port.Protocol)
                .Take(PortsMax).Select(static port => (port.Port, port.Protocol.ToString().ToLowerInvariant())),
        ];
        if (ports is [var first, ..])
            yield return $"{prefix}_PORT={first.Protocol}://{host}:{first.Port}";
        foreach ((ushort port, string protocol) in ports)
        {
            string name = $"{prefix}_PORT_{port}_{protocol.ToUpperInvariant()}";
            yield return $"{name}={protocol}://{host}:{port}";
            yield return $"{name}_ADDR={address}";
            yield return $"{name}_PORT={port}";
            yield return $"{name}_PROTO={protocol}";
        }
        yield return $"{prefix}_NAME=/{owner}/{alias}";
        foreach (string variable in other.Config.Env ?? [])
        {
            // These say something about the other's files, not about what it offers.
            if (!variable.StartsWith("HOME=", StringComparison.Ordinal) && !variable.StartsWith("PATH=", StringComparison.Ordinal))
                yield return $"{prefix}_ENV_{variable}";
        }
    }
}
