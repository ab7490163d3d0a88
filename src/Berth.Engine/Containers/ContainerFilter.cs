using System.Text.RegularExpressions;
using Berth.Engine.State;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>The filters of container lists that look at one container alone.</summary>
internal static class ContainerFilter
{
    private static readonly TimeSpan s_matchTimeMax = TimeSpan.FromMilliseconds(100);

    /// <summary>Refuses values that mean nothing, whether or not there is a container to compare them with.</summary>
    /// <exception cref="FaultException">InvalidArgument; NotSupported: SCTP.</exception>
    public static void Check(FilterSet filters)
    {
        foreach (string code in filters["exited"])
            _ = Code(code);
        foreach (string port in filters["expose"].Concat(filters["publish"]))
            _ = PublishRules.Ports(port).Count();
        _ = filters.Flag("is-task");
    }

    public static bool Matches(FilterSet filters, ContainerRecord record, EngineParts parts) =>
        Any(filters, "id", wanted => record.Id.StartsWith(wanted, StringComparison.Ordinal) || IsMatch(record.Id, wanted))
        && Any(filters, "name", wanted => IsMatch(record.Name, wanted) || IsMatch("/" + record.Name, wanted))
        && Any(filters, "status", wanted => record.State.Status.ToString().Equals(wanted, StringComparison.OrdinalIgnoreCase))
        && Any(filters, "exited", wanted => record.State.Status == ContainerStatus.Exited && Code(wanted) == record.State.ExitCode)
        && Any(filters, "health", wanted => (record.State.Health?.Status ?? "none") == wanted)
        && Any(filters, "volume", wanted =>
            record.Mounts.Any(m => m.Point.Name == wanted || m.Point.Destination == wanted || m.Point.Source == wanted))
        && Any(filters, "network", wanted => record.Networks.Keys.Any(name => name == wanted
            || parts.Networks.Find(name)?.Id.StartsWith(wanted, StringComparison.Ordinal) == true))
        && Any(filters, "expose", wanted => HasPort(record.Config.ExposedPorts ?? [], wanted))
        && Any(filters, "publish", wanted => HasPort(record.Host.PortBindings?.Keys ?? [], wanted))
        && !(filters.Flag("is-task") ?? false)
        && Any(filters, "isolation", wanted => wanted is "default" or "")
        && filters.MatchesLabels(record.Config.Labels);

    private static bool Any(FilterSet filters, string name, Func<string, bool> matches) => !filters.Has(name) || filters[name].Any(matches);

    // Docker takes names as regular expressions; a foreign expression gets no time to explode.
    private static bool IsMatch(string text, string pattern)
    {
        try
        {
            return Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, s_matchTimeMax);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return text == pattern;
        }
    }

    private static int Code(string text) => int.TryParse(text, out int code) ? code
        : throw FaultException.Invalid($"invalid filter 'exited={text}'");

    private static bool HasPort(IEnumerable<string> ports, string wanted)
    {
        HashSet<(ushort, Network.TransportProtocol)> asked = [.. PublishRules.Ports(wanted)];
        return ports.SelectMany(PublishRules.Ports).Any(asked.Contains);
    }
}
