using Berth.Engine;

namespace Berth.Daemon.Mapping;

/// <summary>Volumes as clients see them.</summary>
internal static class VolumeViews
{
    /// <summary>A volume, with its use where that is wanted.</summary>
    public static Wire.Volume ToWire(this VolumeDetails volume, bool usage = false) => new()
    {
        CreatedAt = Wire.GoTimeConverter.Format(volume.CreatedAt.AddTicks(-(volume.CreatedAt.Ticks % TimeSpan.TicksPerSecond))),
        Driver = volume.Driver,
        Labels = volume.Labels.Count > 0 ? volume.Labels : null,
        Mountpoint = volume.Mountpoint,
        Name = volume.Name,
        Options = volume.Options.Count > 0 ? volume.Options : null,
        Scope = "local",
        UsageData = usage ? new Wire.VolumeUsage { RefCount = volume.References, Size = volume.Size } : null,
    };
}
