using Berth.Engine.State;
using Berth.Faults;
using Berth.Network;

namespace Berth.Engine;

/// <summary>Docker's links: a name of its own for another container.</summary>
internal static class LinkText
{
    /// <summary>Reads <c>container</c> or <c>container:alias</c>.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is neither, with Docker's text.</exception>
    public static (string Target, string Alias) Parse(string text)
    {
        string[] parts = text.Split(':');
        if (text.Length == 0)
            throw FaultException.Invalid("empty string specified for links");
        if (parts.Length > 2 || parts.Any(part => part.Length == 0))
            throw FaultException.Invalid($"bad format for links: {text}");
        // Inspect of other engines says /target:/own-name/alias.
        string target = parts[0].TrimStart('/');
        return (target, parts.Length == 1 ? target : parts[1][(parts[1].LastIndexOf('/') + 1)..]);
    }
}

internal sealed partial class ContainerService
{
    private void CheckLinks(HostSettings host)
    {
        foreach (string link in host.Links ?? [])
        {
            (string target, string alias) = LinkText.Parse(link);
            if (parts.Containers.TryFind(target) is null)
                throw FaultException.Invalid($"could not get container for {target}: No such container: {target}");
            if (alias.AsSpan().ContainsAny(" \t\r\n#"))
                throw FaultException.Invalid($"bad format for links: {link}");
        }
    }

    // On networks with a name server: asked when a name is looked up, so the other may start later and change its address.
    private Dictionary<string, string> LinksOn(ContainerRecord record, string network, EndpointSettings settings)
    {
        bool isOwn = network == record.Host.NetworkMode && network != "bridge";
        Dictionary<string, string> links = new(StringComparer.OrdinalIgnoreCase);
        foreach (string link in isOwn ? [.. settings.Links, .. record.Host.Links ?? []] : settings.Links)
        {
            (string target, string alias) = LinkText.Parse(link);
            links[alias] = parts.Containers.TryFind(target)?.Id[..12] ?? target;
        }
        return links;
    }

    // On the default bridge there is no name server: the addresses of now, which is why both must run, as in Docker.
    private IEnumerable<ExtraHost> LinkedHosts(ContainerRecord record)
    {
        if (record.Host.NetworkMode != "bridge")
            yield break;
        foreach (string link in record.Host.Links ?? [])
        {
            (string target, string alias) = LinkText.Parse(link);
            ContainerRecord other = Find(target).Record;
            Endpoint? endpoint = other.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkName == "bridge");
            if (!other.State.Running || endpoint?.Addresses.Any() is not true)
                throw FaultException.Conflict($"Cannot link to a non running container: /{other.Name} AS /{record.Name}/{alias}");
            string[] names = [alias, other.Config.Hostname ?? other.Id[..12], other.Name];
            foreach (InternetAddress address in endpoint.Addresses)
                yield return new ExtraHost(string.Join(' ', names.Distinct()), address.ToIPAddress());
        }
    }
}
