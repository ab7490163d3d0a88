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

    /// <summary>The links that are names too, as <c>web/db</c>: those of containers on the default bridge.</summary>
    public static IEnumerable<(string Target, string Alias)> NamesOf(ContainerRecord record) =>
        record.Host is { NetworkMode: "bridge", Links: { } links } ? links.Select(Parse) : [];
}

internal sealed partial class ContainerService
{
    /// <summary>Removes a name that a container has for another, and nothing else; from its <c>/etc/hosts</c> too when it runs.</summary>
    public async Task RemoveLinkAsync(string link, CancellationToken cancellationToken)
    {
        _ = Find(link);
        string name = link.Trim('/');
        int slash = name.LastIndexOf('/');
        if (slash < 0)
            throw FaultException.Conflict("Conflict, cannot remove the default link name of the container");
        Container owner = Find(name[..slash]);
        await owner.Gate.WaitAsync(cancellationToken);
        try
        {
            ContainerRecord record = owner.Record;
            string alias = name[(slash + 1)..];
            string[] kept = [.. (record.Host.Links ?? []).Where(other => LinkText.Parse(other).Alias != alias)];
            if (record.Host.NetworkMode != "bridge" || kept.Length == (record.Host.Links?.Count ?? 0))
                throw FaultException.NotFound($"No such container: {link}");
            Update(owner, known => known with { Host = known.Host with { Links = kept.Length > 0 ? kept : null } });
            if (owner.State.Running)
                RewriteHosts(owner.Record);
        }
        finally
        {
            owner.Gate.Release();
        }
    }

    private void RewriteHosts(ContainerRecord record)
    {
        try
        {
            WriteFiles(record, new Specs.ManagedFiles(parts.ContainerDirectory(record.Id)), record.Endpoints);
        }
        catch (FaultException)
        {
            // Another one that it is linked to runs no more: its line stays until the next start, as all others do.
        }
    }

    /// <summary>As inspect shows them: where they lead and what they are called.</summary>
    private string[]? ShownLinks(ContainerRecord record)
    {
        string[] shown =
        [
            .. LinkText.NamesOf(record).Select(link => (parts.Containers.TryFind(link.Target), link.Alias))
                .Where(static link => link.Item1 is not null)
                .Select(link => $"/{link.Item1!.Name}:/{record.Name}/{link.Alias}"),
        ];
        return shown.Length > 0 ? shown : null;
    }

    /// <summary>The names that others have for a container.</summary>
    private string[] LinkNames(string id) =>
    [
        .. parts.Containers.All.Where(static other => other.Record.Host.Links is { Count: > 0 })
            .SelectMany(other => LinkText.NamesOf(other.Record).Where(link => parts.Containers.TryFind(link.Target)?.Id == id)
                .Select(link => $"{other.Name}/{link.Alias}")),
    ];

    // By ID, so that a link outlives a change of name.
    private HostSettings WithLinks(HostSettings host)
    {
        CheckLinks(host);
        return host is not { NetworkMode: "bridge", Links: { Count: > 0 } links } ? host : host with
        {
            Links = [.. links.Select(LinkText.Parse).Select(link => $"{Find(link.Target).Id}:{link.Alias}")],
        };
    }

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
            ContainerRecord other = parts.Containers.TryFind(target)?.Record
                ?? throw FaultException.Conflict($"Cannot link to a removed container: {target} AS /{record.Name}/{alias}");
            Endpoint? endpoint = other.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkName == "bridge");
            if (!other.State.Running || endpoint?.Addresses.Any() is not true)
                throw FaultException.Conflict($"Cannot link to a non running container: /{other.Name} AS /{record.Name}/{alias}");
            string[] names = [alias, other.Config.Hostname ?? other.Id[..12], other.Name];
            foreach (InternetAddress address in endpoint.Addresses)
                yield return new ExtraHost(string.Join(' ', names.Distinct()), address.ToIPAddress());
        }
    }
}
