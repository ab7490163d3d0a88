using System.ComponentModel;
using System.Runtime.InteropServices;
using Berth.Hub.Tests.Clients;
using Microsoft.Win32.SafeHandles;

namespace Berth.Hub.Tests.Robustness;

/// <summary>A file system of its own whose power can be cut: what was not synced is gone then.</summary>
/// <remarks>
/// FS_IOC_SHUTDOWN with FS_SHUTDOWN_FLAGS_NOLOGFLUSH (ext4, XFS and f2fs have it): from then on nothing is written, neither data
/// nor the journal, and every call fails. Mounting it again replays what of the journal had reached the disk, as after a loss of power.
/// </remarks>
internal sealed class PowerDisk(string kind) : IAsyncDisposable
{
    // mkfs.xfs makes none that is smaller than 300 MB. The file has holes.
    private const long Bytes = 400L << 20;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-power-");
    private int _cuts;
    private bool _isMounted;

        /// <summary>Where it is mounted.</summary>
    public string Path => System.IO.Path.Join(_directory.FullName, "disk");

    /// <summary>A directory beside it, which keeps its power.</summary>
    public string Beside(string name) => System.IO.Path.Join(_directory.FullName, name);

    private string Image => Beside($"image{_cuts}");

    /// <summary>Makes and mounts one.</summary>
    /// <param name="kind"><c>ext4</c> or <c>xfs</c>.</param>
    public static async Task<PowerDisk> MakeAsync(string kind)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting a file system needs root");
        var disk = new PowerDisk(kind);
        Directory.CreateDirectory(disk.Path);
        try
        {
            await using (FileStream image = File.Create(disk.Image))
                image.SetLength(Bytes);
            await ClientProgram.RunAsync($"mkfs.{kind}", "-q", disk.Image);
            await disk.MountAsync();
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    /// <summary>Cuts the power. Whoever has files open there must end before <see cref="RecoverAsync"/>.</summary>
    public void Cut()
    {
        const uint NoLogFlush = 2;
        // _IOR('X', 125, __u32)
        const nuint Shutdown = 0x8004587D;
        using SafeFileHandle root = File.OpenHandle(
            System.IO.Path.Join(Path, "power"), FileMode.OpenOrCreate, FileAccess.Write);
        if (ioctl(root, Shutdown, NoLogFlush) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "FS_IOC_SHUTDOWN");
    }

    /// <summary>The power is there again: what is on the disk is mounted.</summary>
    /// <remarks>
    /// As a copy: a container that began meanwhile may have this mount in its namespace for a moment, and as long the kernel would give
    /// the same file system again, without its power.
    /// </remarks>
    public async Task RecoverAsync()
    {
        string former = Image;
        // Programs that are started beside this have, until they run, what this process had open there a moment ago.
        for (long start = Environment.TickCount64; ; await Task.Delay(20))
        {
            (int code, _, string errors) = await ClientProgram.TryAsync("umount", [Path]);
            if (code == 0)
                break;
            Assert.True(Environment.TickCount64 - start < 60_000, errors);
        }
        _isMounted = false;
        _cuts++;
        await ClientProgram.RunAsync("cp", "--sparse=always", former, Image);
        File.Delete(former);
        await MountAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_isMounted)
            await ClientProgram.TryAsync("umount", ["--lazy", Path]);
        _directory.Delete(recursive: true);
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int ioctl(SafeFileHandle file, nuint request, in uint argument);

    private async Task MountAsync()
    {
        // XFS would not mount two of one UUID.
        await ClientProgram.RunAsync("mount", "-o", kind == "xfs" ? "loop,nouuid" : "loop", Image, Path);
        _isMounted = true;
    }
}
