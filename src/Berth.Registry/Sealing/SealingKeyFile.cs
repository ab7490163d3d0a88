using System.Security.Cryptography;
using System.Text;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Registry.Sealing;

/// <summary>The file with the hub's key: a line of base64, which stands for 32 bytes. Lines that begin with <c>#</c> are remarks. While
/// keys change it holds several, the newest first.</summary>
internal sealed class SealingKeyFile(string path)
{
    private const int BytesMax = 64 * 1024;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const string Remark =
        "# The key that the secrets in the hub's database are encrypted with. Keep a copy apart from the database's backups.\n";

    /// <summary>Where it is.</summary>
    public string Path { get; } = path;

    private string Folder => System.IO.Path.GetDirectoryName(Path)!;

    /// <summary>The keys in it; null when there is no such file.</summary>
    /// <exception cref="FaultException">Unavailable: it cannot be read. InvalidArgument: it holds something else.</exception>
    public IReadOnlyList<SealingKey>? Read()
    {
        string text;
        try
        {
            if (new FileInfo(Path) is { Exists: true, Length: > BytesMax })
                throw FaultException.Invalid($"{Broken}: it is larger than {BytesMax} bytes: {Advice}");
            text = File.ReadAllText(Path);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw FaultException.Unavailable($"read the hub's key {Path}: {failure.Message}; the hub's user must be able to", failure);
        }
        var keys = new List<SealingKey>();
        int number = 0;
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
                continue;
            keys.Add(SealingKey.TryParse(line, out SealingKey? key) ? key : throw FaultException.Invalid(
                $"{Broken}: line {number} is not 44 characters of base64 that stand for 32 bytes: {Advice}"));
        }
        return keys.Count > 0 ? keys : throw FaultException.Invalid($"{Broken}: there is no key in it: {Advice}");
    }

    /// <summary>The keys in the file, which is made with a new one where there is none. Its name and content are on the disk then.
    /// </summary>
    /// <exception cref="FaultException">Unavailable: it cannot be read or made.</exception>
    public IReadOnlyList<SealingKey> ReadOrMake()
    {
        // Read last: another process may have been quicker, and then its key counts.
        if (Read() is null)
            Make([SealingKey.Create()], mayReplace: false);
        else
            Sync();
        return Read() ?? throw FaultException.Unavailable($"read the hub's key {Path}: it is gone again");
    }

    /// <summary>Puts other keys in the place of those in the file, at once, for whoever could read it before.</summary>
    /// <exception cref="FaultException">Unavailable: it cannot be written.</exception>
    public void Replace(IReadOnlyList<SealingKey> keys) => Make(keys, mayReplace: true);

    /// <summary>Makes a file with keys that are no longer used, for older backups; one that is there already is left alone.</summary>
    public string Keep(SealingKey former)
    {
        var file = new SealingKeyFile($"{Path}.{former.Id}");
        file.Make([former], mayReplace: false);
        return file.Path;
    }

    /// <summary>Keeps everybody else from changing the file, until it is disposed.</summary>
    /// <exception cref="FaultException">Conflict: somebody does so now.</exception>
    public IDisposable Lock()
    {
        try
        {
            // The file itself is replaced, so its directory is what is locked.
            FileDescriptor folder = FileCalls.OpenDirectory(Folder);
            if (FileCalls.TryLock(folder, FileCalls.LOCK_EX | FileCalls.LOCK_NB) == 0)
                return new Held(folder);
            folder.Dispose();
        }
        catch (LinuxException failure)
        {
            throw FaultException.Unavailable($"change the hub's key {Path}: {failure.Message}", failure);
        }
        throw FaultException.Conflict($"change the hub's key {Path}: somebody else does so now; wait until they are done");
    }

    private sealed class Held(FileDescriptor folder) : IDisposable
    {
        public void Dispose() => FileCalls.Unlock(folder);
    }

    private const string Advice = "put a copy of the right file there";

    private string Broken => $"read the hub's key {Path}";

    private void Make(IReadOnlyList<SealingKey> keys, bool mayReplace)
    {
        string fresh = $"{Path}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}.new";
        try
        {
            using (var file = new FileStream(fresh, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly,
            }))
            {
                file.Write(Encoding.ASCII.GetBytes(Remark + string.Concat(keys.Select(key => key.Text + "\n"))));
                file.Flush(flushToDisk: true);
            }
            if (mayReplace)
                KeepReaders(fresh);
            // Data before name. Without replacing, the second one finds the name taken.
            int error = FileCalls.TryRename(
                FileCalls.WorkingDirectory, FileCalls.PathOf(fresh), FileCalls.WorkingDirectory, FileCalls.PathOf(Path),
                mayReplace ? 0 : FileCalls.RENAME_NOREPLACE);
            // NFS cannot rename so; it can link.
            if (error == Errno.EINVAL && !mayReplace)
                error = FileCalls.TryLink(
                    FileCalls.WorkingDirectory, FileCalls.PathOf(fresh), FileCalls.WorkingDirectory, FileCalls.PathOf(Path));
            if (error is not (0 or Errno.EEXIST))
                throw new LinuxException("renameat2", Path, error);
            Sync();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw FaultException.Unavailable($"make the hub's key {Path}: {failure.Message}", failure);
        }
        finally
        {
            File.Delete(fresh);
        }
    }

    // A command that root runs must not lock out the hub's user, nor make readable what was not.
    private void KeepReaders(string fresh)
    {
        FileStatus former = FileCalls.Status(FileCalls.WorkingDirectory, FileCalls.PathOf(Path));
        using FileDescriptor file = FileCalls.Open(FileCalls.WorkingDirectory, FileCalls.PathOf(fresh), FileCalls.O_RDONLY);
        int error = FileCalls.TrySetOwner(file, former.Uid, former.Gid);
        if (error == 0)
            error = FileCalls.TrySetMode(file, former.Permissions);
        if (error != 0)
            throw new LinuxException("fchown", fresh, error);
    }

    // A key that only its process ever saw would be lost with what is encrypted with it.
    private void Sync()
    {
        try
        {
            FileCalls.SyncDirectory(Folder);
        }
        catch (LinuxException failure)
        {
            throw FaultException.Unavailable($"make the hub's key {Path}: {failure.Message}", failure);
        }
    }
}
