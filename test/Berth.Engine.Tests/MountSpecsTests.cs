using Berth.Engine.Specs;
using Berth.Oci.Runtime;

namespace Berth.Engine.Tests;

/// <summary>The mounts that every container has.</summary>
public sealed class MountSpecsTests
{
    /// <summary>A host need not have its message queues mounted for a container in its IPC namespace to have them.</summary>
    [Theory]
    [InlineData(true, true, "bind")]
    [InlineData(true, false, "bind")]
    [InlineData(false, true, "mqueue")]
    [InlineData(false, false, null)]
    public void HostQueues_AreTheHostsMountOrANewOne(bool areMounted, bool mayMount, string? type)
    {
        MountSpec? mount = MountSpecs.HostQueues(areMounted, mayMount);
        Assert.Equal(type, mount?.Type);
        Assert.Equal(mount is null, mount?.Destination != "/dev/mqueue");
    }
}
