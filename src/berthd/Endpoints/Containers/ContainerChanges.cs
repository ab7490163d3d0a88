using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 what differs from its image; 404.</summary>
internal static class ContainerChanges
{
    public static async Task HandleAsync(ApiCall call)
    {
        var changes = await call.Engine.Containers.ChangesAsync(call.Id, call.Cancelled);
        await call.WriteJsonAsync(
            [.. changes.Select(change => new Wire.FilesystemChange { Kind = (int)change.Kind, Path = change.Path })],
            Wire.ApiJson.Wire.FilesystemChangeList);
    }
}
