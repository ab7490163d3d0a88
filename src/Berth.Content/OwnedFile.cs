namespace Berth.Content;

/// <summary>Files of the engine that nobody else may read: they tell of secrets in environments, labels and commands.</summary>
public static class OwnedFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes a file if it is missing; afterwards its owner alone may read and write it, whatever the umask says.</summary>
    /// <exception cref="IOException">The file system refuses.</exception>
    public static void Ensure(string path)
    {
        using (new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete, UnixCreateMode = OwnerOnly }))
        {
        }
        File.SetUnixFileMode(path, OwnerOnly);
    }
}
