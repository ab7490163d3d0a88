using Berth.Oci;

namespace Berth.Builder.Solving;

/// <summary>The directories of <c>RUN --mount=type=cache</c>, kept between builds; named by the hash of their ID,
/// never by the ID.</summary>
internal sealed class CacheMounts(string root, KeyedLocks locks)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _users = []; // Guarded by _gate.

    /// <summary>Takes a directory for one step.</summary>
    /// <returns>Its path and what gives it back.</returns>
    public async Task<(string Path, IDisposable Lease)> TakeAsync(string id, string sharing, CancellationToken cancellationToken)
    {
        string name = Digest.Of(System.Text.Encoding.UTF8.GetBytes(id)).Hex;
        IDisposable? turn = sharing == "locked"
            ? await locks.TakeAsync("cache-mount:" + name, cancellationToken).ConfigureAwait(false) : null;
        lock (_gate)
        {
            if (sharing == "private")
            {
                int copy = 0;
                while (_users.ContainsKey($"{name}.{copy}"))
                    copy++;
                name = $"{name}.{copy}";
            }
            _users[name] = _users.GetValueOrDefault(name) + 1;
        }
        return (Path.Combine(root, name), new Lease(this, name, turn));
    }

    /// <summary>Those that are kept now.</summary>
    public IReadOnlyList<CacheMount> List()
    {
        if (!Directory.Exists(root))
            return [];
        lock (_gate)
            return [.. new DirectoryInfo(root).EnumerateDirectories().Select(directory => new CacheMount(
                directory.Name, directory.FullName, _users.ContainsKey(directory.Name), directory.LastWriteTimeUtc))];
    }

    /// <summary>Removes those that no step uses.</summary>
    public void Clear()
    {
        if (!Directory.Exists(root))
            return;
        lock (_gate)
        {
            foreach (string directory in Directory.EnumerateDirectories(root).Where(path => !_users.ContainsKey(Path.GetFileName(path))))
                Layers.Trees.TreeRemover.Remove(directory);
        }
    }

    private sealed class Lease(CacheMounts owner, string name, IDisposable? turn) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._gate)
            {
                if (--owner._users[name] == 0)
                    owner._users.Remove(name);
            }
            turn?.Dispose();
        }
    }
}
