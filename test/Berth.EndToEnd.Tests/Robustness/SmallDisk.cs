namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>A file system of its own that can be filled and broken.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int Megabytes = 160;
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-disk-").FullName;
    private bool _isMounted;

    private SmallDisk(bool isExt4) => IsExt4 = isExt4;

    public bool IsExt4 { get; }

    /// <summary>Where it is mounted.</summary>
    public string Path => _directory + "/mnt";

    private string Image => _directory + "/image";

    private string Ballast => Path + "/ballast";

    /// <summary>Makes and mounts one.</summary>
    /// <param name="kind"><c>ext4</c> or <c>tmpfs</c>.</param>
    public static async Task<SmallDisk> MakeAsync(string kind)
    {
        SmallDisk disk = new(kind == "ext4");
        Directory.CreateDirectory(disk.Path);
        if (disk.IsExt4)
        {
            using (FileStream image = File.Create(disk.Image))
                image.SetLength(Megabytes * 1024L * 1024);
            await RunAsync("mkfs.ext4", "-q", "-F", disk.Image);
        }
        await disk.MountAsync();
        return disk;
    }

    public async Task MountAsync()
    {
        if (IsExt4)
            await RunAsync("mount", "-o", "loop,errors=remount-ro", Image, Path);
        else
            await RunAsync("mount", "-t", "tmpfs", "-o", $"size={Megabytes}m", "berth-disk", Path);
        _isMounted = true;
    }

    /// <summary>Takes it away, once the last process that used it has let go.</summary>
    public async Task UnmountAsync()
    {
        string said = "";
        try
        {
            await Eventually.HoldsAsync(async () =>
            {
                Completed end = await Program.RunAsync("umount", [Path], "");
                said = end.Errors;
                return end.Code == 0;
            });
        }
        catch (TimeoutException busy)
        {
            throw new InvalidOperationException($"umount {Path}: {said}", busy);
        }
        _isMounted = false;
        // Other mount namespaces that were made meanwhile, such as another test's, may have it still, broken as it is: what is mounted
        // next is another image, of what the disk holds.
        await RunAsync("cp", "--sparse=always", Image, Image + "-next");
        File.Move(Image + "-next", Image, overwrite: true);
    }

    /// <summary>Takes all room there is.</summary>
    public void Fill()
    {
        byte[] bytes = new byte[64 * 1024];
        using FileStream ballast = new(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (int piece = bytes.Length; piece >= 1;)
        {
            try
            {
                ballast.Write(bytes, 0, piece);
            }
            catch (IOException)
            {
                piece /= 2;
            }
        }
    }

    /// <summary>Gives it back.</summary>
    public void Free() => File.Delete(Ballast);

    /// <summary>Lets the kernel find an error on it, upon which it takes no more writes.</summary>
    public async Task BreakAsync()
    {
        // What was acknowledged before is on the disk: how much a power cut may take is not what is asked here.
        await RunAsync("sync", "--file-system", Path);
        string device = (await RunAsync("findmnt", "-n", "-o", "SOURCE", Path)).Trim();
        await File.WriteAllTextAsync($"/sys/fs/ext4/{System.IO.Path.GetFileName(device)}/trigger_fs_error", "1");
    }

    public async ValueTask DisposeAsync()
    {
        // Whatever a failed test left on it: the kernel lets go of it with its last user.
        if (_isMounted)
            await RunAsync("umount", "--lazy", Path);
        await Eventually.GoneAsync(_directory);
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        Completed end = await Program.RunAsync(program, arguments, "");
        return end.Code == 0 ? end.Output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {end.Errors}");
    }
}
