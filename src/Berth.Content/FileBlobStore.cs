using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Content;

/// <summary>Blobs as files: <c>blobs/&lt;alg&gt;/&lt;hex&gt;</c> as in an OCI layout, ingests in <c>ingest/</c> beside.</summary>
/// <remarks>
/// One process owns a root. A blob's data is on disk before its name is (fdatasync, rename, fsync of the directory), so a name
/// that is found after a crash can be believed. Nameless ingests go with the process: the next start removes them. Ingests begun
/// by <see cref="Resume"/> stay as <c>ingest/&lt;alg&gt;-&lt;hex&gt;</c>; what is there is hashed again before it is added to.
/// Lock order: <c>_gate</c> is innermost and never held over disk work of more than one call.
/// </remarks>
public sealed class FileBlobStore : IBlobStore
{
    private static readonly TimeSpan s_partialAgeMax = TimeSpan.FromDays(1);
    private readonly string _root;
    private readonly string _ingests;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly HashSet<BlobLease> _leases = []; // Guarded by _gate.
    private readonly HashSet<string> _open = [];      // Guarded by _gate: files in ingest/ that have an owner.
    private readonly AsyncGate _commits = new();

    /// <summary>Opens or makes the store in a directory.</summary>
    /// <param name="root">The directory; made with mode 0710 when it is not there.</param>
    /// <param name="time">Tells the age of partial ingests; the system's time when null.</param>
    public FileBlobStore(string root, TimeProvider? time = null)
    {
        _root = Path.GetFullPath(root);
        _ingests = Path.Combine(_root, "ingest");
        _time = time ?? TimeProvider.System;
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(_root, Owner | UnixFileMode.GroupExecute);
        foreach (string directory in (string[])["blobs", "blobs/sha256", "blobs/sha512", "ingest"])
            Directory.CreateDirectory(Path.Combine(_root, directory), Owner);
        foreach (string nameless in Directory.EnumerateFiles(_ingests, "new-*"))
            File.Delete(nameless);
    }

    /// <inheritdoc/>
    public bool Contains(Digest digest) => File.Exists(PathOf(digest));

    /// <inheritdoc/>
    public long? SizeOf(Digest digest)
    {
        FileInfo file = new(PathOf(digest));
        return file.Exists ? file.Length : null;
    }

    /// <inheritdoc/>
    public Stream OpenRead(Digest digest)
    {
        try
        {
            // Readers read in large pieces of their own; a buffer in between would only copy.
            return new FileStream(PathOf(digest), new FileStreamOptions { BufferSize = 0, Options = FileOptions.SequentialScan });
        }
        catch (FileNotFoundException missing)
        {
            throw FaultException.NotFound($"open blob {digest}: it is not here", missing);
        }
    }

    /// <inheritdoc/>
    public IBlobIngest Begin()
    {
        string file = Path.Combine(_ingests, "new-" + Guid.NewGuid().ToString("n"));
        lock (_gate)
            _open.Add(file);
        return OpenIngest(file, expected: null);
    }

    /// <inheritdoc/>
    public IBlobIngest Resume(Digest expected)
    {
        string file = Path.Combine(_ingests, $"{expected.Algorithm}-{expected.Hex}");
        lock (_gate)
        {
            if (!_open.Add(file))
                throw FaultException.Conflict($"write blob {expected}: it is being written already");
        }
        return OpenIngest(file, expected);
    }

    private FileBlobIngest OpenIngest(string file, Digest? expected)
    {
        try
        {
            return FileBlobIngest.Open(this, file, expected);
        }
        catch
        {
            Close(file);
            throw;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Digest> List()
    {
        foreach (string algorithm in (string[])["sha256", "sha512"])
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(_root, "blobs", algorithm)))
            {
                if (Digest.TryParse($"{algorithm}:{Path.GetFileName(file)}", out Digest digest))
                    yield return digest;
            }
        }
    }

    /// <inheritdoc/>
    public bool Delete(Digest digest)
    {
        int error = FileCalls.TryUnlink(FileCalls.WorkingDirectory, FileCalls.PathOf(PathOf(digest)));
        return error switch
        {
            0 => true,
            Errno.ENOENT => false,
            _ => throw FaultException.Internal($"delete blob {digest}: {new LinuxException("unlinkat", PathOf(digest), error).Message}"),
        };
    }

    /// <inheritdoc/>
    public IBlobLease Lease()
    {
        BlobLease lease = new(this);
        lock (_gate)
            _leases.Add(lease);
        return lease;
    }

    /// <inheritdoc/>
    public async ValueTask<long> CollectAsync(Func<IReadOnlySet<Digest>> live, CancellationToken cancellationToken)
    {
        // Commits wait while blobs are deleted: one that names bytes of a blob that is here already must not lose them. What was
        // committed without lease or live reference before is garbage by the contract.
        using IDisposable alone = await _commits.EnterAloneAsync(cancellationToken).ConfigureAwait(false);
        IReadOnlySet<Digest> kept = live();
        long freed = 0;
        foreach (Digest digest in List())
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Leases are looked at blob by blob: one added meanwhile counts from that moment on.
            lock (_gate)
            {
                if (kept.Contains(digest) || _leases.Any(lease => lease.Holds(digest)))
                    continue;
                long size = SizeOf(digest) ?? 0;
                freed += Delete(digest) ? size : 0;
            }
        }
        return freed + CollectPartials();
    }

    private long CollectPartials()
    {
        long freed = 0;
        foreach (FileInfo file in new DirectoryInfo(_ingests).EnumerateFiles())
        {
            lock (_gate)
            {
                if (_open.Contains(file.FullName) || _time.GetUtcNow() - file.LastWriteTimeUtc < s_partialAgeMax)
                    continue;
                freed += file.Length;
                file.Delete();
            }
        }
        return freed;
    }

    /// <summary>Gives an ingest's file its name as a blob. Data before name.</summary>
    internal async ValueTask PublishAsync(FileDescriptor file, string path, Digest digest, CancellationToken cancellationToken)
    {
        using IDisposable shared = await _commits.EnterSharedAsync(cancellationToken).ConfigureAwait(false);
        if (Contains(digest))
        {
            File.Delete(path);
            return;
        }
        int error = FileCalls.TrySyncData(file);
        if (error == 0)
            error = FileCalls.TrySetMode(file, 0x120); // 0440: a blob never changes again.
        if (error != 0)
            throw WriteFault(digest.ToString(), new LinuxException("fdatasync", path, error));
        try
        {
            FileCalls.Rename(path, PathOf(digest));
            FileCalls.SyncDirectory(Path.Combine(_root, "blobs", digest.Algorithm));
        }
        catch (LinuxException refused)
        {
            throw WriteFault(digest.ToString(), refused);
        }
    }

    internal void Close(string file)
    {
        lock (_gate)
            _open.Remove(file);
    }

    internal void Add(HashSet<Digest> leased, Digest digest)
    {
        lock (_gate)
            leased.Add(digest);
    }

    internal void End(BlobLease lease)
    {
        lock (_gate)
            _leases.Remove(lease);
    }

    internal FaultException WriteFault(string what, LinuxException cause) => cause.Error switch
    {
        Errno.ENOSPC or Errno.EDQUOT => FaultException.Unavailable(
            $"write blob {what}: no space left on device: free some space on the file system of {_root}", cause),
        _ => FaultException.Internal($"write blob {what}: {cause.Message}", cause),
    };

    private string PathOf(Digest digest) => Path.Combine(_root, "blobs", digest.Algorithm, digest.Hex);
}
