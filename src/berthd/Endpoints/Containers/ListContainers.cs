using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 a list.</summary>
internal static class ListContainers
{
    public static async Task HandleAsync(ApiCall call)
    {
        FilterSet filters = call.Query.Filters(
            "ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label", "label!", "name", "network",
            "publish", "since", "status", "volume");
        IReadOnlyList<ContainerSummary> containers = await call.Engine.Containers.ListAsync(
            new ContainerQuery
            {
                All = call.Query.Flag("all"),
                Limit = Math.Max(call.Query.SmallNumber("limit") ?? 0, 0),
                Size = call.Query.Flag("size"),
                Filters = filters,
            },
            call.Cancelled);
        await call.WriteJsonAsync(
            [.. containers.Select(container => container.ToWire(call.Version))], Wire.ApiJson.Wire.ContainerSummaryList);
    }
}
