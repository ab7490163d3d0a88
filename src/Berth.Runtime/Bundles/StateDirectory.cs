using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Stage;

namespace Berth.Runtime.Bundles;

/// <summary>One container's directory below the program's root: made with the container, gone with it.</summary>
internal sealed class StateDirectory
{
    private const int NameMax = 1024;
    private const int DirectoryMode = 0x1C9;

    private StateDirectory(string id, string path) => (Id, Path) = (id, path);

    /// <summary>The container.</summary>
    public string Id { get; }

    /// <summary>The directory.</summary>
    public string Path { get; }

    /// <summary>There while the first process waits to be started.</summary>
    public string StartSocket => System.IO.Path.Join(Path, StageContract.StartSocketName);

    /// <summary>Makes the directory of a new container.</summary>
    /// <exception cref="FaultException">InvalidArgument: no name for a container. Conflict: it exists.</exception>
    public static StateDirectory Make(string root, string id)
    {
        StateDirectory directory = Of(root, id);
        for (int attempt = 0; ; attempt++)
        {
            int error = FileCalls.TryMakeDirectory(FileCalls.WorkingDirectory, FileCalls.PathOf(directory.Path), DirectoryMode);
            if (error == 0)
                return directory;
            if (error == Errno.EEXIST)
                throw FaultException.Conflict("container with given ID already exists");
            if (error != Errno.ENOENT || attempt > 0)
                throw FaultException.Internal(new LinuxException("mkdir", directory.Path, error).Message);
            Directory.CreateDirectory(root, (UnixFileMode)0x1C0);
        }
    }

    /// <summary>The directory of a container, which may not exist.</summary>
    /// <exception cref="FaultException">InvalidArgument: no name for a container.</exception>
    public static StateDirectory Of(string root, string id)
    {
        if (id.Length == 0)
            throw FaultException.Invalid("container id cannot be empty");
        bool valid = id.Length <= NameMax && id is not ("." or "..")
            && id.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '+' or '-' or '.');
        return valid
            ? new StateDirectory(id, System.IO.Path.Join(root, id))
            : throw FaultException.Invalid($"invalid container ID format: {id}");
    }

    /// <summary>Reads the state.</summary>
    /// <exception cref="FaultException">NotFound: there is no such container.</exception>
    public BundleState Load() => TryLoad() ?? throw FaultException.NotFound("container does not exist");

    /// <summary>Reads the state; null when there is none.</summary>
    public BundleState? TryLoad()
    {
        try
        {
            return BundleState.Read(File.ReadAllBytes(System.IO.Path.Join(Path, BundleState.FileName)));
        }
        catch (Exception unreadable) when (unreadable is IOException or FaultException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Writes the state, all or nothing.</summary>
    public void Save(BundleState state)
    {
        string path = System.IO.Path.Join(Path, BundleState.FileName);
        WriteWhole(path, state.Write());
    }

    /// <summary>Writes a file that appears with all its content.</summary>
    public static void WriteWhole(string path, ReadOnlySpan<byte> content)
    {
        string temporary = System.IO.Path.Join(System.IO.Path.GetDirectoryName(path), $".{System.IO.Path.GetFileName(path)}.new");
        int error = FileCalls.TryOpen(FileCalls.WorkingDirectory, FileCalls.PathOf(temporary),
            FileCalls.O_WRONLY | FileCalls.O_CREAT | FileCalls.O_TRUNC, mode: 0x180, resolve: 0, out FileDescriptor file);
        using (file)
        {
            if (error != 0)
                throw new LinuxException("open", path, error);
            error = FileCalls.TryWrite(file, content);
            if (error != 0)
                throw new LinuxException("write", path, error);
        }
        FileCalls.Rename(temporary, path);
    }

    /// <summary>Says that the container was started.</summary>
    public void RemoveStartSocket() =>
        FileCalls.TryUnlink(FileCalls.WorkingDirectory, FileCalls.PathOf(StartSocket));

    /// <summary>Removes the directory.</summary>
    public void Remove()
    {
        foreach (string name in (ReadOnlySpan<string>)[StageContract.StartSocketName, BundleState.FileName])
            FileCalls.TryUnlink(FileCalls.WorkingDirectory, FileCalls.PathOf(System.IO.Path.Join(Path, name)));
        int error = FileCalls.TryUnlink(FileCalls.WorkingDirectory, FileCalls.PathOf(Path), FileCalls.AT_REMOVEDIR);
        if (error == Errno.ENOTEMPTY)
            Directory.Delete(Path, recursive: true);
    }
}
