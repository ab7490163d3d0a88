using Berth.Engine.State;
using Berth.Faults;
using Berth.Oci;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    private static readonly string[] s_listFilters =
    [
        "ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label", "label!", "name", "network",
        "publish", "since", "status", "volume",
    ];

    public Task<IReadOnlyList<ContainerSummary>> ListAsync(ContainerQuery query, CancellationToken cancellationToken)
    {
        query.Filters.Allow(s_listFilters);
        FilterSet filters = query.Filters;
        foreach (string status in filters["status"])
            if (!Enum.TryParse<ContainerStatus>(status, ignoreCase: true, out _))
                throw FaultException.Invalid($"invalid filter 'status={status}'");
        foreach (string health in filters["health"])
            if (health is not ("starting" or "healthy" or "unhealthy" or "none"))
                throw FaultException.Invalid($"unrecognized filter value for health: {health}");
        ContainerFilter.Check(filters);
        Container? before = filters["before"] is [string later, ..] ? Find(later) : null;
        Container? since = filters["since"] is [string earlier, ..] ? Find(earlier) : null;
        HashSet<Digest>? ancestors = filters.Has("ancestor") ? Descendants(filters["ancestor"]) : null;
        bool all = query.All || query.Limit > 0 || filters.Has("status") || filters.Has("exited");
        IEnumerable<Container> found = parts.Containers.All.OrderByDescending(c => c.Record.Created)
            .Where(c => (before is null || c.Record.Created < before.Record.Created)
                && (since is null || c.Record.Created > since.Record.Created))
            .Where(c => (ancestors is null || ancestors.Contains(c.Record.ImageId)) && ContainerFilter.Matches(filters, c.Record, parts));
        found = query.Limit > 0 ? found.Take(query.Limit) : found.Where(c => all || c.State.Running);
        return Task.FromResult<IReadOnlyList<ContainerSummary>>([.. found.Select(c => Summarize(c, query.Size))]);
    }

    internal ContainerSummary Summarize(Container container, bool size)
    {
        ContainerRecord record = container.Record;
        bool stillNamed = images.TryFind(record.Config.Image)?.Id == record.ImageId;
        return new ContainerSummary
        {
            Details = Describe(container, size),
            Image = stillNamed ? record.Config.Image : record.ImageId.ToString(),
            Command = string.Join(' ', record.Program.Select(part => part.Contains(' ', StringComparison.Ordinal) ? $"'{part}'" : part)),
            Status = StatusText.Of(record.State, parts.Time.GetUtcNow()),
        };
    }

    private HashSet<Digest> Descendants(IReadOnlyList<string> names)
    {
        HashSet<Digest> found = [];
        foreach (ImageRecord ancestor in names.Select(images.TryFind).OfType<ImageRecord>())
        {
            found.Add(ancestor.Id);
            if (ancestor.Top is { } top)
                found.UnionWith(images.All.Where(i => ImageTable.Chains(images.Config(i.Id)).Contains(top)).Select(i => i.Id));
        }
        return found;
    }
}
