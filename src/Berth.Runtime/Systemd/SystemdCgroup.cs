using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;

namespace Berth.Runtime.Systemd;

/// <summary>
/// A container's cgroup as a scope of systemd. Reading, freezing and killing are matters of the files; limits are told to systemd first,
/// which would otherwise write its own at the next occasion, and removing is systemd's.
/// </summary>
internal sealed class SystemdCgroup(Cgroup files, string unit, bool isUnified, Func<SystemdManager> connect) : Cgroup(files.Path)
{
    /// <summary>The unit's name.</summary>
    public string Unit => unit;

    /// <inheritdoc/>
    public override IReadOnlyList<string> ProcsFiles => files.ProcsFiles;

    /// <inheritdoc/>
    public override IReadOnlyList<string> JoinFiles => files.JoinFiles;

    /// <inheritdoc/>
    public override string? UnifiedDirectory => files.UnifiedDirectory;

    /// <inheritdoc/>
    internal override CgroupPlace PlaceBeside(int first) => files.PlaceBeside(first);

    /// <inheritdoc/>
    internal override CgroupPlace PlaceBelow(SubCgroups groups) => files.PlaceBelow(groups);

    /// <inheritdoc/>
    public override string? OutOfMemoryFile => files.OutOfMemoryFile;

    /// <inheritdoc/>
    internal override string? WatchedMemoryFile => isUnified ? files.OutOfMemoryFile : null;

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Directories => files.Directories;

    /// <inheritdoc/>
    public override bool IsFrozen => files.IsFrozen;

    /// <inheritdoc/>
    public override void Freeze() => files.Freeze();

    /// <inheritdoc/>
    public override void Thaw() => files.Thaw();

    /// <inheritdoc/>
    public override void Kill() => files.Kill();

    /// <inheritdoc/>
    public override CgroupStatistics ReadStatistics() => files.ReadStatistics();

    public override CgroupDetails ReadDetails() => files.ReadDetails();

    /// <inheritdoc/>
    internal override LinuxResources Completed(LinuxResources resources) => files.Completed(resources);

    // Device rules stay as they were made, as with runc: a second program beside the first could only take away.
    /// <inheritdoc/>
    public override void Update(LinuxResources resources, IList<string> warnings)
    {
        resources = files.Completed(resources with { Devices = null });
        using (SystemdManager manager = connect())
        {
            IReadOnlyList<UnitProperty> properties = new UnitResources(isUnified, manager.Version).Of(resources);
            if (properties.Count > 0)
                manager.Set(unit, properties);
        }
        files.Update(resources, warnings);
    }

    /// <summary>Sets limits by the files alone: the unit has them already.</summary>
    public void Write(LinuxResources resources, IList<string> warnings) => files.Update(resources, warnings);

    /// <summary>False: the unit would still be there.</summary>
    public override bool TryRemoveEmpty() => false;

    /// <inheritdoc/>
    public override bool Remove()
    {
        try
        {
            using SystemdManager manager = connect();
            manager.Stop(unit);
        }
        catch (FaultException) when (files.Remove())
        {
            // systemd does not answer, and what matters is gone: it forgets a scope that has no processes.
            return true;
        }
        // Trees that it does not manage, and groups that the container made below.
        return files.Remove();
    }

    /// <summary>Makes what of the trees systemd has not made.</summary>
    internal override void Make(IList<string> warnings) => files.Make(warnings);
}
