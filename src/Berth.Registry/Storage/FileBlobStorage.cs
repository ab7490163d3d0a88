using System.Runtime.CompilerServices;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;

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

    private readonly string _blobs;
    private readonly string _uploads;

    /// <summary>Opens the storage beneath a directory, which is created where there is none.</summary>
    /// <exception cref="FaultException">Unavailable: the directory cannot be made.</exception>
    public FileBlobStorage(string directory)
    {
        _blobs = Path.Join(directory, "blobs");
        _uploads = Path.Join(directory, "uploads");
        MakeDirectory(_blobs);
        MakeDirectory(_uploads);
    }

    internal SuspendedHashes Hashes { get; } = new();

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
    public ValueTask CancelAsync(string id, CancellationToken cancellationToken)
    {
        Hashes.Take(id, "sha256", 0)?.Dispose();
        string path = UploadPath(id);
        if (File.Exists(path))
        {
            File.Delete(path);
            return ValueTask.CompletedTask;
        }
        // It was interrupted between its new name and the database's row: the name tells whose it was.
        foreach (string file in Directory.EnumerateFiles(_blobs, $"*.{id}", SearchOption.AllDirectories))
            File.Delete(file);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IBlobReader?> OpenAsync(string location, CancellationToken cancellationToken) =>
        new(FileBlobReader.TryOpen(BlobPath(location)));

    /// <inheritdoc/>
    public ValueTask<long> DeleteAsync(string location, CancellationToken cancellationToken)
    {
        var file = new FileInfo(BlobPath(location));
        if (!file.Exists)
            return new(0);
        long bytes = file.Length;
        file.Delete();
        return new(bytes);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredBlob> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        foreach (FileInfo file in new DirectoryInfo(_blobs).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new StoredBlob(Path.GetRelativePath(_blobs, file.FullName), file.Length);
        }
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
        string target = BlobPath(location);
        string directory = Path.GetDirectoryName(target)!;
        if (!Directory.Exists(directory))
        {
            MakeDirectory(directory);
            FileCalls.SyncDirectory(Path.GetDirectoryName(directory)!);
            FileCalls.SyncDirectory(_blobs);
        }
        File.Move(path, target);
        FileCalls.SyncDirectory(directory);
        return location;
    }

    internal static FileStreamOptions WriterOptions(FileMode mode) => new()
    {
        Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0,
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

    // Locations come from the database, where only Publish's went in; one that leaves the directory is damage.
    private string BlobPath(string location) => location.Contains("..", StringComparison.Ordinal)
        ? throw FaultException.Internal($"open blob: {location}: not a location")
        : Path.Join(_blobs, location);
}
