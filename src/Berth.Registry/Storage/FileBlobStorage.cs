using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;
using Microsoft.Win32.SafeHandles;

namespace Berth.Registry.Storage;

/// <summary>
/// Blobs as files: <c>blobs/&lt;algorithm&gt;/&lt;two digits&gt;/&lt;hex&gt;.&lt;upload&gt;</c>, and uploads in
/// <c>uploads/&lt;id&gt;</c>.
/// </summary>
/// <remarks>
/// Data before name: a file gets its name beneath <c>blobs/</c> when its data is on the disk, and the directory is on the disk before
/// anybody
/// hears of it. The upload's ID in the name makes the location unique; the digest in it is for people and for checks.
/// </remarks>
public sealed class FileBlobStorage : IBlobStorage
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const string Uploads = "uploads/";

    private static readonly string[] s_algorithms = ["sha256", "sha512"];

    private readonly string _blobs;
    private readonly string _uploads;
    private readonly string _owner;

    // Directories whose own names were brought to the disk by this process.
    private readonly ConcurrentDictionary<string, bool> _durable = new(StringComparer.Ordinal);

    /// <summary>Opens the storage beneath a directory, which is created where there is none.</summary>
    /// <exception cref="FaultException">Unavailable: the directory cannot be made.</exception>
    public FileBlobStorage(string directory)
    {
        directory = Path.GetFullPath(directory);
        _blobs = Path.Join(directory, "blobs");
        _uploads = Path.Join(directory, "uploads");
        _owner = Path.Join(directory, "storage.id");
        MakeDirectory(_blobs);
        MakeDirectory(_uploads);
    }

    internal SuspendedHashes Hashes { get; } = new();

    /// <summary>Brings a file's data to the disk.</summary>
    internal Action<SafeFileHandle> Flush { get; init; } = RandomAccess.FlushToDisk;

    /// <summary>Brings a directory's names to the disk.</summary>
    internal Action<string> SyncDirectory { get; init; } = FileCalls.SyncDirectory;

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> BeginAsync(string id, string algorithm, CancellationToken cancellationToken)
    {
        try
        {
            return new(FileBlobWriter.Create(this, UploadPath(id), id, algorithm));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw WriteFault(exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IBlobWriter> ResumeAsync(string id, string algorithm, long bytes, CancellationToken cancellationToken)
    {
        try
        {
            return await FileBlobWriter.ResumeAsync(this, UploadPath(id), id, algorithm, bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (FileNotFoundException exception)
        {
            throw FaultException.NotFound($"resume upload {id}: its bytes are gone", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw WriteFault(exception);
        }
    }

    /// <inheritdoc/>
    public ValueTask<long?> ArrivedAsync(string id, long bytes, CancellationToken cancellationToken)
    {
        var file = new FileInfo(UploadPath(id));
        return new(file.Exists ? Math.Min(file.Length, bytes) : null);
    }

    /// <inheritdoc/>
    public ValueTask<long> CancelAsync(string id, CancellationToken cancellationToken)
    {
        Hashes.Take(id, "sha256", 0)?.Dispose();
        return new(Pieces(id).Sum(file => Remove(PathOf(file.Location))));
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<StoredFile> PiecesAsync(string id, CancellationToken cancellationToken) => Pieces(id).ToAsyncEnumerable();

    /// <inheritdoc/>
    public ValueTask<IBlobReader?> OpenAsync(string location, CancellationToken cancellationToken) =>
        new(FileBlobReader.TryOpen(PathOf(location)));

    /// <inheritdoc/>
    public ValueTask<long> DeleteAsync(string location, CancellationToken cancellationToken) => new(Remove(PathOf(location)));

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredFile> FilesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        foreach (StoredFile file in UploadFiles().Concat(BlobFiles()))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return file;
        }
    }

    /// <inheritdoc/>
    public ValueTask<long?> BytesAsync(string location, CancellationToken cancellationToken)
    {
        var found = new FileInfo(PathOf(location));
        return new(found.Exists ? found.Length : null);
    }

    /// <inheritdoc/>
    public ValueTask<StoredState?> LookAsync(StoredFile file, CancellationToken cancellationToken)
    {
        var found = new FileInfo(PathOf(file.Location));
        return new(found.Exists ? new StoredState(found.Length, found.LastWriteTimeUtc) : null);
    }

    /// <inheritdoc/>
    public ValueTask<DateTimeOffset> ClockAsync(CancellationToken cancellationToken)
    {
        // The server of a network file system dates what is written by its own clock. Left by a crash, this is an upload without a row.
        string path = UploadPath(UploadIds.Next());
        try
        {
            File.WriteAllBytes(path, [0]);
            DateTimeOffset now = File.GetLastWriteTimeUtc(path);
            File.Delete(path);
            return new(now);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw WriteFault(exception);
        }
    }

    /// <inheritdoc/>
    public ValueTask<string?> OwnerAsync(CancellationToken cancellationToken) =>
        new(File.Exists(_owner) ? File.ReadAllText(_owner).Trim() : null);

    /// <inheritdoc/>
    public ValueTask SetOwnerAsync(string owner, CancellationToken cancellationToken)
    {
        string path = $"{_owner}.{UploadIds.Next()}";
        try
        {
            using (var file = new FileStream(path, WriterOptions(FileMode.CreateNew)))
            {
                file.Write(Encoding.ASCII.GetBytes(owner + "\n"));
                file.Flush(flushToDisk: true);
            }
            if (!File.Exists(_owner))
                File.Move(path, _owner, overwrite: false);
        }
        catch (IOException) when (File.Exists(_owner))
        {
            // Another was quicker.
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw WriteFault(exception);
        }
        File.Delete(path);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Hashes.Dispose();
        return ValueTask.CompletedTask;
    }

    internal static FaultException WriteFault(Exception cause) => FaultException.Unavailable($"store blob: {cause.Message}", cause);

    /// <summary>Gives an upload whose data is on the disk its name as a blob, and brings the name to the disk.</summary>
    internal string Publish(string path, string id, Digest digest)
    {
        string location = $"{digest.Algorithm}/{digest.Hex[..2]}/{digest.Hex}.{id}";
        string target = PathOf(location);
        string directory = Path.GetDirectoryName(target)!;
        if (!_durable.ContainsKey(directory))
        {
            // Also where it is there: another process may have made it a moment ago, and not have come to this yet.
            MakeDirectory(directory);
            SyncDirectory(Path.GetDirectoryName(directory)!);
            SyncDirectory(_blobs);
            SyncDirectory(Path.GetDirectoryName(_blobs)!);
            _durable[directory] = true;
        }
        File.Move(path, target);
        SyncDirectory(directory);
        return location;
    }

    internal static FileStreamOptions WriterOptions(FileMode mode) => new()
    {
        Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0,
        UnixCreateMode = mode == FileMode.CreateNew ? OwnerOnly : null,
    };

    private static void MakeDirectory(string path)
    {
        try
        {
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FaultException.Unavailable($"open blob storage: {exception.Message}", exception);
        }
    }

    private string UploadPath(string id) => Path.Join(_uploads, id);

    // Locations come from the database, where only Publish's and FilesAsync's went in; one that leaves the directory is damage.
    private string PathOf(string location)
    {
        if (location.Contains("..", StringComparison.Ordinal))
            throw FaultException.Internal($"open blob: {location}: not a location");
        return location.StartsWith(Uploads, StringComparison.Ordinal)
            ? UploadPath(location[Uploads.Length..])
            : Path.Join(_blobs, location);
    }

    private List<StoredFile> Pieces(string id) => File.Exists(UploadPath(id))
        ? [new StoredFile(Uploads + id, id)]
        // It was interrupted between its new name and the database's row: the name tells whose it was.
        : [.. Directory.EnumerateFiles(_blobs, $"*.{id}", SearchOption.AllDirectories)
            .Select(path => new StoredFile(Path.GetRelativePath(_blobs, path), id))];

    private IEnumerable<StoredFile> UploadFiles() => Directory.EnumerateFiles(_uploads)
        .Select(path => Path.GetFileName(path))
        .Where(name => UploadIds.IsOne(name))
        .Select(name => new StoredFile(Uploads + name, name));

    // Directory by directory: of a million blobs some thousands are in memory.
    private IEnumerable<StoredFile> BlobFiles()
    {
        foreach (string algorithm in s_algorithms.Where(name => Directory.Exists(Path.Join(_blobs, name))))
        {
            foreach (string directory in Directory.EnumerateDirectories(Path.Join(_blobs, algorithm)))
            {
                string digits = Path.GetFileName(directory);
                foreach (string path in Directory.EnumerateFiles(directory))
                {
                    string name = Path.GetFileName(path);
                    if (name.Split('.') is [var hex, var id] && Digest.TryParse($"{algorithm}:{hex}", out Digest digest)
                        && digest.Hex[..2] == digits && UploadIds.IsOne(id))
                        yield return new StoredFile($"{algorithm}/{digits}/{name}", id);
                }
            }
        }
    }

    // Of several who remove a file at once, one is told its bytes.
    private static long Remove(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            return 0;
        long bytes = file.Length;
        int error = FileCalls.TryUnlink(FileCalls.WorkingDirectory, FileCalls.PathOf(Path.GetFullPath(path)));
        return error switch
        {
            0 => bytes,
            Errno.ENOENT => 0,
            _ => throw WriteFault(new LinuxException("unlink", path, error)),
        };
    }
}
