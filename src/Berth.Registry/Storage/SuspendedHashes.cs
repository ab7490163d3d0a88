namespace Berth.Registry.Storage;

/// <summary>Hashes of uploads between two requests. One that is missing costs reading the bytes again, nothing else.</summary>
internal sealed class SuspendedHashes : IDisposable
{
    // Each takes some 400 bytes.
    private const int HashesMax = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, RunningHash> _hashes = []; // Guarded by _gate.
    private readonly Queue<string> _order = new();                 // Guarded by _gate: may name some that were taken since.

    /// <summary>Takes the hash of an upload if it is of these bytes or fewer.</summary>
    public RunningHash? Take(string id, string algorithm, long bytesMax)
    {
        RunningHash? hash;
        lock (_gate)
        {
            if (!_hashes.Remove(id, out hash))
                return null;
        }
        if (hash.Algorithm == algorithm && hash.Bytes <= bytesMax)
            return hash;
        hash.Dispose();
        return null;
    }

    /// <summary>Keeps the hash of an upload for its next request.</summary>
    public void Keep(string id, RunningHash hash)
    {
        lock (_gate)
        {
            if (_hashes.Remove(id, out RunningHash? former))
                former.Dispose();
            _hashes.Add(id, hash);
            _order.Enqueue(id);
            while (_hashes.Count > HashesMax || _order.Count > HashesMax * 4)
            {
                if (_hashes.Remove(_order.Dequeue(), out RunningHash? oldest))
                    oldest.Dispose();
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (RunningHash hash in _hashes.Values)
                hash.Dispose();
            _hashes.Clear();
        }
    }
}
