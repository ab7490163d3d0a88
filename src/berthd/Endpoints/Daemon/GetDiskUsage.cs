using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Daemon;

/// <summary>200 what takes up the disk; 400 no such type.</summary>
internal static class GetDiskUsage
{
    public static async Task HandleAsync(ApiCall call)
    {
        IReadOnlyList<string> types = call.Query.All("type");
        foreach (string type in types)
            if (type is not ("container" or "image" or "volume" or "build-cache"))
                throw FaultException.Invalid($"unknown object type: {type}");
        DiskUsage usage = await call.Engine.System.DiskUsageAsync(call.Cancelled);
        bool Wanted(string type) => types.Count == 0 || types.Contains(type);
        await call.WriteJsonAsync(
            new Wire.DiskUsage
            {
                LayersSize = Wanted("image") ? usage.LayersSize : null,
                Images = Wanted("image") ? [.. usage.Images.Select(image => image.ToWire(call.Version))] : null,
                Containers = Wanted("container") ? [.. usage.Containers.Select(container => container.ToWire(call.Version))] : null,
                Volumes = Wanted("volume") ? [.. usage.Volumes.Select(volume => volume.ToWire(usage: true))] : null,
                BuildCache = Wanted("build-cache") ? [.. usage.BuildCache.Select(entry => entry.ToWire(call.Version))] : null,
                BuilderSize = call.Version < new Wire.ApiVersion(1, 42) ? usage.BuildCache.Sum(entry => entry.Size) : null,
            },
            Wire.ApiJson.Wire.DiskUsage);
    }
}
