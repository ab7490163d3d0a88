using Berth.Hub.Tests.Clients;

namespace Berth.Hub.Tests.Robustness;

/// <summary>A small file system of its own, to be filled to the last byte.</summary>
internal sealed class SmallDisk(string kind) : IAsyncDisposable
{
    // mkfs.xfs makes none that is smaller than 300 MB; most of it is filled at once then.
    private const long XfsBytes = 320L << 20;
    private const long Bytes = 60L << 20;

    /// <summary>The directory of a hub, in whose <c>data</c> the disk is mounted.</summary>
    public DirectoryInfo Directory { get; } = System.IO.Directory.CreateTempSubdirectory("berth-small-");

    public string Data => Path.Join(Directory.FullName, "data");

    /// <summary>The file that keeps room for deletions.</summary>
    public string Reserve => Path.Join(Data, "hub.db.reserve");

    private string Image => Path.Join(Directory.FullName, "image");

    /// <summary>Makes and mounts one.</summary>
    /// <param name="kind"><c>tmpfs</c>, <c>ext4</c> or <c>xfs</c>.</param>
    public static async Task<SmallDisk> MakeAsync(string kind)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting a file system needs root");
        var disk = new SmallDisk(kind);
        System.IO.Directory.CreateDirectory(disk.Data);
        try
        {
            await disk.MountAsync();
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes all the room that is left, to the last byte.</summary>
    public void Fill(string name, long leave = 0)
    {
        long count = leave == 0 ? long.MaxValue : new DriveInfo(Data).AvailableFreeSpace - leave;
        using var file = new FileStream(Path.Join(Data, name), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] block = new byte[4096];
        try
        {
            for (; count > 0; count -= block.Length)
                file.Write(block);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ClientProgram.TryAsync("umount", ["--lazy", Data]);
        Directory.Delete(recursive: true);
    }

    private async Task MountAsync()
    {
        if (kind == "tmpfs")
        {
            await ClientProgram.RunAsync("mount", "-t", "tmpfs", "-o", $"size={Bytes},mode=700", "berth-small", Data);
            return;
        }
        await using (FileStream image = File.Create(Image))
            image.SetLength(kind == "xfs" ? XfsBytes : Bytes);
        await ClientProgram.RunAsync($"mkfs.{kind}", "-q", Image);
        await ClientProgram.RunAsync("mount", "-o", "loop", Image, Data);
        if (kind == "xfs")
            Fill("ballast", leave: Bytes);
    }
}
