using System.Security.Cryptography;
using System.Text.Json;
using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Layers.Stores;

/// <summary>What all drivers of <see cref="ILayerStore"/> share: names on disk, crash safety, sharing, removal.</summary>
/// <remarks>
/// On disk: <c>l/&lt;32 hex of the chain&gt;/</c> has <c>d</c> (the tree) and <c>layer.json</c>; <c>w/&lt;name&gt;/</c> has <c>d</c>,
/// <c>w</c> (overlayfs' work), <c>m</c> (mount point) and <c>writable.json</c>. Everything is made in <c>tmp/</c> and appears by
/// one rename; it goes by one rename to <c>tmp/</c>, which the next start empties. One process owns a root (flock on
/// <c>lock</c>). A pulled layer is flushed to disk after it was returned; where power was lost before that, the next boot's
/// start drops it and the pull is repeated. A committed layer is flushed before it is returned.
/// </remarks>
public abstract partial class LayerStore : ILayerStore, IAsyncDisposable
{
    private readonly string _root;
    private readonly FileDescriptor _lock;
    private readonly Lock _gate = new();
    private readonly Dictionary<ChainId, Layer> _layers = [];           // Guarded by _gate.
    private readonly Dictionary<string, WritableLayer> _writables = []; // Guarded by _gate.
    private readonly Dictionary<ChainId, Task<Layer>> _applying = [];   // Guarded by _gate.
    private readonly BackgroundWork _background = new();
    private readonly string _boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    private protected LayerStore(string root)
    {
        _root = Path.GetFullPath(root);
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        foreach (string directory in (string[])["", "l", "w", "tmp"])
        {
            // Containers' own users walk through to their trees only where they are mounted.
            Directory.CreateDirectory(Path.Combine(_root, directory), Owner | UnixFileMode.GroupExecute);
        }
        _lock = FileCalls.Open(
            FileCalls.WorkingDirectory, FileCalls.PathOf(Path.Combine(_root, "lock")), FileCalls.O_RDWR | FileCalls.O_CREAT, 0x180);
        if (FileCalls.TryLock(_lock, FileCalls.LOCK_EX | FileCalls.LOCK_NB) != 0)
        {
            _lock.Dispose();
            throw FaultException.Conflict($"open layer store {_root}: another process uses it");
        }
        foreach (string leftover in Directory.GetFileSystemEntries(Path.Combine(_root, "tmp")))
            RemoveBehind(leftover);
        Load();
    }

    /// <summary>Is told of each removal or flush that failed behind a call; on any thread.</summary>
    public event Action<FaultException>? BackgroundFailed
    {
        add => _background.Failed += value;
        remove => _background.Failed -= value;
    }

    private protected abstract WhiteoutMode Whiteouts { get; }

    private protected abstract bool IsPlain { get; }

    private protected abstract IReadOnlyList<string> Stack(string tree, Layer? parent);

    private protected abstract void Prepare(string tree, Layer? parent, CancellationToken cancellationToken);

    private protected abstract void Visit(string tree, Layer? parent, IDeltaVisitor visitor, CancellationToken cancellationToken);

    private protected abstract void Strip(string tree);

    /// <inheritdoc/>
    public Layer? Find(ChainId chain)
    {
        lock (_gate)
            return _layers.GetValueOrDefault(chain);
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<Layer> List()
    {
        lock (_gate)
            return [.. _layers.Values];
    }

    /// <inheritdoc/>
    public async Task<Layer> ApplyAsync(ChainId? parent, DiffId expected, Stream tar, CancellationToken cancellationToken)
    {
        ChainId chain = ChainId.Extend(parent, expected);
        while (true)
        {
            TaskCompletionSource<Layer>? own = null;
            Task<Layer>? shared;
            lock (_gate)
            {
                if (_layers.TryGetValue(chain, out Layer? present))
                    return present;
                if (parent is { } below && !_layers.ContainsKey(below))
                    throw FaultException.NotFound($"apply layer {expected}: parent {below} is not here");
                if (!_applying.TryGetValue(chain, out shared))
                {
                    own = new TaskCompletionSource<Layer>(TaskCreationOptions.RunContinuationsAsynchronously);
                    _applying.Add(chain, own.Task);
                }
            }
            if (own is not null)
                return await ApplyOwnAsync(chain, parent, expected, tar, own, cancellationToken).ConfigureAwait(false);
            // When the other one fails or is given up, this caller has a stream of its own to try.
            await ((Task)shared!).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private async Task<Layer> ApplyOwnAsync(
        ChainId chain, ChainId? parent, DiffId expected, Stream tar, TaskCompletionSource<Layer> own,
        CancellationToken cancellationToken)
    {
        string temporary = NewTemporaryName();
        try
        {
            Directory.CreateDirectory(temporary);
            return await UnpackAsync(temporary, chain, parent, expected, tar, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException refused) when (IsRefusal(refused))
        {
            throw Explain($"apply layer {expected}", refused);
        }
        finally
        {
            lock (_gate)
                _applying.Remove(chain);
            own.TrySetResult(null!); // Who waits looks for itself.
            Abandon(temporary);
        }
    }

    private async Task<Layer> UnpackAsync(
        string temporary, ChainId chain, ChainId? parent, DiffId expected, Stream tar, CancellationToken cancellationToken)
    {
        string tree = MakeTree(temporary);
        Layer? below = parent is { } there ? Find(there) : null;
        Prepare(tree, below, cancellationToken);
        using FileDescriptor root = FileCalls.OpenDirectory(tree);
        ExtractOptions options = new() { Whiteouts = Whiteouts, ComputeDigest = true };
        ExtractSummary summary = await TreeExtractor.ExtractAsync(tar, root, options, cancellationToken).ConfigureAwait(false);
        if (summary.Digest != expected.Digest)
            throw FaultException.Invalid($"apply layer {expected}: the content's diff ID is {summary.Digest}");
        WriteRecord(temporary, new LayerRecord(
            chain.ToString(), parent?.ToString(), expected.ToString(), summary.Bytes, _boot));
        Layer layer = Publish(temporary, chain, parent, expected, summary.Bytes);
        _background.Run($"flush layer {chain}", () => MarkSynced(chain));
        return layer;
    }

    /// <inheritdoc/>
    public WritableLayer CreateWritable(string name, ChainId? parent, long? bytesMax = null)
    {
        CheckName(name);
        string temporary = NewTemporaryName();
        uint? project = null;
        try
        {
            Directory.CreateDirectory(temporary);
            Layer? below = parent is { } chain
                ? Find(chain) ?? throw FaultException.NotFound($"create writable layer {name}: parent {chain} is not here") : null;
            string tree = MakeTree(temporary);
            Prepare(tree, below, CancellationToken.None);
            string work = Directory.CreateDirectory(Path.Combine(temporary, "w")).FullName;
            Directory.CreateDirectory(Path.Combine(temporary, "m"));
            if (bytesMax is { } most)
                project = Limit(name, [tree, work], most);
            File.WriteAllBytes(Path.Combine(temporary, "writable.json"), JsonSerializer.SerializeToUtf8Bytes(
                new WritableRecord(parent?.ToString(), project), LayerJson.Default.WritableRecord));
            lock (_gate)
            {
                if (below is not null && !_layers.ContainsKey(below.Chain))
                    throw FaultException.NotFound($"create writable layer {name}: parent {below.Chain} is not here");
                if (_writables.ContainsKey(name))
                    throw FaultException.Conflict($"create writable layer {name}: the name is in use");
                if (Directory.Exists(WritablePath(name)))
                {
                    throw FaultException.Conflict(
                        $"create writable layer {name}: files of one of that name that lost its parent are here");
                }
                FileCalls.Rename(temporary, WritablePath(name), FileCalls.RENAME_NOREPLACE);
                WritableLayer writable = Describe(name, below) with { Project = project };
                _writables.Add(name, writable);
                project = null;
                return writable;
            }
        }
        catch (IOException refused) when (IsRefusal(refused))
        {
            throw Explain($"create writable layer {name}", refused);
        }
        finally
        {
            Abandon(temporary);
            if (project is { } begun)
                ProjectQuota.End(_root, begun);
        }
    }

    // Files that are copied in before are not counted: of overlayfs there are none.
    private uint Limit(string name, IReadOnlyList<string> directories, long bytesMax)
    {
        if (IsPlain)
            throw new FaultException(FaultKind.NotSupported, $"limit writable layer {name}: layers are plain directories here");
        try
        {
            return ProjectQuota.Begin(directories, bytesMax);
        }
        catch (LinuxException exception)
        {
            throw new FaultException(
                FaultKind.NotSupported, $"limit writable layer {name}: no project quotas at {_root}: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public WritableLayer? FindWritable(string name)
    {
        lock (_gate)
            return _writables.GetValueOrDefault(name);
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<WritableLayer> ListWritable()
    {
        lock (_gate)
            return [.. _writables.Values];
    }

    /// <inheritdoc/>
    public bool RemoveWritable(string name)
    {
        string trash = NewTemporaryName();
        WritableLayer? removed;
        lock (_gate)
        {
            if (!_writables.ContainsKey(name) && (!IsName(name) || !Directory.Exists(WritablePath(name))))
                return false;
            Discard(WritablePath(name), trash, $"remove writable layer {name}");
            _writables.Remove(name, out removed);
        }
        if (removed?.Project is { } project)
            _background.Run($"remove {trash}", () => RemoveLimited(trash, project));
        else
            RemoveBehind(trash);
        return true;
    }

    /// <inheritdoc/>
    public async Task<Layer> CommitAsync(string writable, CancellationToken cancellationToken)
    {
        WritableLayer source = Writable(writable);
        return await Task.Run(() => Commit(source, copy: false, null, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<Layer> CommitCopyAsync(string writable, Action<string>? tidy, CancellationToken cancellationToken)
    {
        WritableLayer source = Writable(writable);
        return await Task.Run(() => Commit(source, copy: true, tidy, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private Layer Commit(WritableLayer writable, bool copy, Action<string>? tidy, CancellationToken cancellationToken)
    {
        string home = copy ? NewTemporaryName() : WritablePath(writable.Name);
        try
        {
            Layer? parent = writable.Parent is { } chain ? Find(chain) : null;
            if (copy)
                TreeCopier.CopyInto(writable.UpperDirectory, MakeTree(home), cancellationToken);
            string tree = Path.Combine(home, "d");
            Strip(tree);
            tidy?.Invoke(tree);
            (DiffId diff, long size) = Hash(tree, parent, cancellationToken);
            ChainId result = ChainId.Extend(writable.Parent, diff);
            // The record goes in first: one rename then turns the writable layer into an image layer, and a crash sees either.
            WriteRecord(home, new LayerRecord(
                result.ToString(), writable.Parent?.ToString(), diff.ToString(), size, _boot));
            SyncAll();
            File.WriteAllBytes(Path.Combine(home, "synced"), []);
            return PublishCommit(writable, copy, home, result, diff, size);
        }
        catch (IOException refused) when (IsRefusal(refused))
        {
            throw Explain($"commit {writable.Name}", refused);
        }
        finally
        {
            if (copy)
                Abandon(home);
        }
    }

    private Layer PublishCommit(WritableLayer writable, bool copy, string home, ChainId chain, DiffId diff, long size)
    {
        Layer layer;
        bool present;
        lock (_gate)
        {
            present = _layers.ContainsKey(chain);
            layer = Publish(home, chain, writable.Parent, diff, size);
            if (!copy && !present)
                _writables.Remove(writable.Name);
        }
        if (!copy)
            RemoveWritable(writable.Name); // Still there only when the layer was here already.
        // Whoever published the directory tidies it; another that came to the same chain has none of its own in there.
        if (!present)
            RemoveWritableRest(LayerPath(chain));
        FileCalls.SyncDirectory(Path.Combine(_root, "l"));
        return layer;
    }

    /// <inheritdoc/>
    public Task WriteTarAsync(ChainId chain, Stream destination, CancellationToken cancellationToken)
    {
        Layer layer = Find(chain) ?? throw FaultException.NotFound($"write layer {chain}: it is not here");
        Layer? parent = layer.Parent is { } below ? Find(below) : null;
        return WriteTarAsync(TreePath(chain), parent, destination, cancellationToken);
    }

    /// <inheritdoc/>
    public Task WriteChangesTarAsync(string writable, Stream destination, CancellationToken cancellationToken)
    {
        WritableLayer source = Writable(writable);
        return WriteTarAsync(
            source.UpperDirectory, source.Parent is { } below ? Find(below) : null, destination, cancellationToken);
    }

    private Task WriteTarAsync(string tree, Layer? parent, Stream destination, CancellationToken cancellationToken) =>
        Task.Run(() => WriteTar(tree, parent, destination, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public IReadOnlyList<TreeChange> Changes(string writable)
    {
        WritableLayer source = Writable(writable);
        Layer? parent = source.Parent is { } below ? Find(below) : null;
        using LowerView lower = new(parent?.Directories ?? []);
        DeltaLister lister = new(lower);
        Visit(source.UpperDirectory, parent, lister, CancellationToken.None);
        return lister.Changes;
    }

    /// <inheritdoc/>
    public long SizeOf(WritableLayer layer)
    {
        SizeCounter counter = new();
        Visit(layer.UpperDirectory, layer.Parent is { } below ? Find(below) : null, counter, CancellationToken.None);
        return counter.Bytes;
    }

    /// <inheritdoc/>
    public bool Remove(ChainId chain)
    {
        string trash = NewTemporaryName();
        lock (_gate)
        {
            if (!_layers.ContainsKey(chain))
                return false;
            if (_layers.Values.Any(layer => layer.Parent == chain))
                throw FaultException.Conflict($"remove layer {chain}: another layer stands on it");
            if (_writables.Values.FirstOrDefault(writable => writable.Parent == chain) is { } user)
                throw FaultException.Conflict($"remove layer {chain}: writable layer {user.Name} stands on it");
            Discard(LayerPath(chain), trash, $"remove layer {chain}");
            _layers.Remove(chain);
        }
        RemoveBehind(trash);
        return true;
    }

    /// <summary>Waits for deletions and flushes that go on behind and gives the root free.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _background.WaitAsync().ConfigureAwait(false); // Its failures went to who listens.
        FileCalls.Unlock(_lock);
    }

    /// <summary>Waits for deletions and flushes that go on behind.</summary>
    /// <exception cref="FaultException">One of them failed since the last call; removals are repeated at the next start, and a
    /// layer that could not be flushed is there until power is lost.</exception>
    public async Task SettleAsync()
    {
        await _background.WaitAsync().ConfigureAwait(false);
        if (_background.TakeFailure() is { } failure)
            throw failure;
    }

    private void RemoveLimited(string path, uint project)
    {
        TreeRemover.Remove(path);
        ProjectQuota.End(_root, project);
    }

    private void RemoveBehind(string path) => _background.Run($"remove {path}", () => TreeRemover.Remove(path));

    // The failure on its way out says more than one of the removal, which the next start repeats.
    private void Abandon(string temporary)
    {
        if (Directory.Exists(temporary))
            RemoveNow(temporary);
    }

    private void RemoveNow(string path)
    {
        try
        {
            TreeRemover.Remove(path);
        }
        catch (LinuxException failure)
        {
            _background.Report($"remove {path}", failure);
        }
    }

    private Layer Publish(string home, ChainId chain, ChainId? parent, DiffId diff, long size)
    {
        lock (_gate)
        {
            if (_layers.TryGetValue(chain, out Layer? present))
                return present;
            Layer? below = null;
            if (parent is { } there && !_layers.TryGetValue(there, out below))
                throw FaultException.NotFound($"keep layer {diff}: parent {there} was removed meanwhile");
            FileCalls.Rename(home, LayerPath(chain), FileCalls.RENAME_NOREPLACE);
            Layer layer = new(chain, parent, diff, size, Stack(TreePath(chain), below));
            _layers.Add(chain, layer);
            return layer;
        }
    }

    private void MarkSynced(ChainId chain)
    {
        SyncAll();
        lock (_gate)
        {
            if (_layers.ContainsKey(chain))
                File.WriteAllBytes(Path.Combine(LayerPath(chain), "synced"), []);
        }
    }

    private void SyncAll()
    {
        int error = FileCalls.TrySyncFileSystem(_lock);
        if (error != 0)
            throw new LinuxException("syncfs", _root, error);
    }

    private (DiffId Diff, long Size) Hash(string tree, Layer? parent, CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using HashStream stream = new(hash);
        WriteTar(tree, parent, stream, cancellationToken);
        SizeCounter counter = new();
        Visit(tree, parent, counter, cancellationToken);
        return (new DiffId(Digest.FromSha256(hash.GetCurrentHash())), counter.Bytes);
    }

    private void WriteTar(string tree, Layer? parent, Stream destination, CancellationToken cancellationToken)
    {
        TarWriter writer = new(destination);
        DeltaTarWriter delta = new(writer);
        WriteRootIfChanged(tree, parent, delta);
        Visit(tree, parent, delta, cancellationToken);
        writer.Finish();
    }

    // Most layers have no entry for the root; a chown or chmod of / must still not be lost.
    private void WriteRootIfChanged(string tree, Layer? parent, DeltaTarWriter delta)
    {
        using FileDescriptor root = FileCalls.OpenDirectory(tree);
        FileStatus status = FileCalls.Status(root);
        FileStatus below = status with { Mode = FileCalls.S_IFDIR | 0x1ED, Uid = 0, Gid = 0 };
        if (parent is not null)
            below = FileCalls.Status(FileCalls.WorkingDirectory, FileCalls.PathOf(parent.Directories[0]));
        if ((status.Mode, status.Uid, status.Gid) != (below.Mode, below.Uid, below.Gid))
            delta.Present(root, [(byte)'.', 0], [(byte)'.'], status, below);
    }

    private WritableLayer Describe(string name, Layer? parent)
    {
        string home = WritablePath(name);
        return new WritableLayer(
            name, parent?.Chain, IsPlain ? [] : parent?.Directories ?? [], Path.Combine(home, "d"), Path.Combine(home, "w"),
            Path.Combine(home, "m"), IsPlain);
    }

    private WritableLayer Writable(string name) =>
        FindWritable(name) ?? throw FaultException.NotFound($"writable layer {name}: it is not here");

    private static void WriteRecord(string directory, LayerRecord record) => File.WriteAllBytes(
        Path.Combine(directory, "layer.json"), JsonSerializer.SerializeToUtf8Bytes(record, LayerJson.Default.LayerRecord));

    private static void Discard(string path, string trash, string attempt)
    {
        int error = FileCalls.TryRename(
            FileCalls.WorkingDirectory, FileCalls.PathOf(path), FileCalls.WorkingDirectory, FileCalls.PathOf(trash), 0);
        if (error == Errno.EBUSY)
            throw FaultException.Conflict($"{attempt}: it is mounted");
        if (error != 0)
            throw new LinuxException("renameat2", path, error);
    }

    // .NET's own I/O failures have the error number as their HResult; a stream's failures are none of ours.
    private static bool IsRefusal(IOException failure) =>
        failure is LinuxException || failure.HResult is Errno.ENOSPC or Errno.EDQUOT;

    private FaultException Explain(string attempt, IOException refused)
    {
        int error = refused is LinuxException { Error: var number } ? number : refused.HResult;
        return error is Errno.ENOSPC or Errno.EDQUOT
            ? FaultException.Unavailable(
                $"{attempt}: no space left on device: free some space on the file system of {_root}", refused)
            : FaultException.Internal($"{attempt}: {refused.Message}", refused);
    }

    private static void CheckName(string name)
    {
        if (!IsName(name))
            throw FaultException.Invalid($"create writable layer \"{name}\": only [a-zA-Z0-9_.-] are allowed in its name");
    }

    private static bool IsName(string name) => name.Length is > 0 and <= 128 && name[0] != '.'
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    private string NewTemporaryName() => Path.Combine(_root, "tmp", Guid.NewGuid().ToString("n"));

    private static string MakeTree(string home) => Directory.CreateDirectory(
        Path.Combine(home, "d"), (UnixFileMode)0x1ED).FullName;

    private string WritablePath(string name) => Path.Combine(_root, "w", name);

    // 128 bits of the chain: short paths for mount options, and nobody finds two chains that share them.
    private string LayerPath(ChainId chain) => Path.Combine(_root, "l", chain.Digest.Hex[..32]);

    private string TreePath(ChainId chain) => Path.Combine(LayerPath(chain), "d");
}
