using System.Net;
using System.Text;

namespace Berth.Network;

/// <summary>Makes a container's <c>/etc/resolv.conf</c> (resolv.conf(5)) from the host's and the user's options.</summary>
public static class ResolvConf
{
    /// <summary>The address at which containers of user-defined networks ask for names, as in Docker.</summary>
    public static IPAddress EmbeddedServer { get; } = IPAddress.Parse("127.0.0.11");

    /// <summary>Given when the host has no resolver that a container could reach, as in Docker.</summary>
    public static IReadOnlyList<IPAddress> Fallback { get; } = [IPAddress.Parse("8.8.8.8"), IPAddress.Parse("8.8.4.4")];

    /// <summary>The file for one container.</summary>
    /// <param name="hostResolvConf">The content of the host's file; empty when it has none.</param>
    /// <param name="options">What the user asked for.</param>
    public static string For(string hostResolvConf, ResolvConfOptions options)
    {
        if (options.CopyHost)
            return hostResolvConf;
        ParsedResolvConf host = Parse(hostResolvConf);
        IReadOnlyList<string> search = options.Search.Count > 0 ? options.Search : host.Search;
        List<string> settings = [.. options.Options.Count > 0 ? options.Options : host.Options];
        IReadOnlyList<IPAddress> servers = options.UsesEmbeddedServer ? [EmbeddedServer] : Servers(host, options);
        if (options.UsesEmbeddedServer && !settings.Any(setting => setting.StartsWith("ndots:", StringComparison.Ordinal)))
            settings.Add("ndots:0");

        StringBuilder text = new();
        foreach (IPAddress server in servers)
            text.Append("nameserver ").Append(server).Append('\n');
        if (search is not ([] or ["."]))
            text.Append("search ").AppendJoin(' ', search).Append('\n');
        if (settings.Count > 0)
            text.Append("options ").AppendJoin(' ', settings).Append('\n');
        return text.ToString();
    }

    /// <summary>The resolvers that a name is forwarded to: the user's, else the host's with loopback ones included, because the
    /// engine asks from the host's side; never empty.</summary>
    public static IReadOnlyList<IPAddress> Upstream(string hostResolvConf, IReadOnlyList<IPAddress> asked)
    {
        if (asked.Count > 0)
            return asked;
        IReadOnlyList<IPAddress> servers = Parse(hostResolvConf).Servers;
        return servers.Count > 0 ? servers : Fallback;
    }

    private static IReadOnlyList<IPAddress> Servers(ParsedResolvConf host, ResolvConfOptions options)
    {
        if (options.Servers.Count > 0)
            return options.Servers;
        // A loopback resolver of the host is not the container's loopback, nor is a link of the host one of the container's, and only
        // some containers have an IPv6 way out.
        List<IPAddress> reachable = [.. host.Servers.Where(server => !IPAddress.IsLoopback(server) && !server.IsIPv6LinkLocal
            && (options.HasIPv6 || server.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork))];
        return reachable.Count > 0 ? reachable : Fallback;
    }

    private static ParsedResolvConf Parse(string content)
    {
        ParsedResolvConf result = new([], [], []);
        foreach (string line in content.Split('\n'))
        {
            string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["nameserver", string server, ..] when IPAddress.TryParse(server, out IPAddress? address):
                    result.Servers.Add(address);
                    break;
                case ["search" or "domain", ..]:
                    result = result with { Search = [.. words[1..]] };
                    break;
                case ["options", ..]:
                    result.Options.AddRange(words[1..]);
                    break;
            }
        }
        return result;
    }

    private sealed record ParsedResolvConf(List<IPAddress> Servers, List<string> Search, List<string> Options);
}

/// <summary>What a container's resolver file depends on beside the host's.</summary>
public sealed record ResolvConfOptions
{
    /// <summary>The container shares the host's network: the host's file as it is.</summary>
    public bool CopyHost { get; init; }

    /// <summary>The container is on a user-defined network, so that 127.0.0.11 answers.</summary>
    public bool UsesEmbeddedServer { get; init; }

    /// <summary>The container has an IPv6 address, so that such resolvers of the host are of use to it.</summary>
    public bool HasIPv6 { get; init; }

    /// <summary><c>--dns</c> of the container, else of the engine.</summary>
    public IReadOnlyList<IPAddress> Servers { get; init; } = [];

    /// <summary><c>--dns-search</c>; a single <c>.</c> means none.</summary>
    public IReadOnlyList<string> Search { get; init; } = [];

    /// <summary><c>--dns-option</c>.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];
}
