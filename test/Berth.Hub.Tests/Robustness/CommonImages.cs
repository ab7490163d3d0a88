using System.Security.Cryptography;

namespace Berth.Hub.Tests.Robustness;

/// <summary>Images that several workers push at about the same time, each worker each image once: who is behind goes on with the latest.</summary>
internal sealed class CommonImages
{
    private const int LayersMax = 3;
    private const int LayerBytesMax = 60_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, long> _taken = []; // Guarded by _gate.
    private byte[][] _image = [];                       // Guarded by _gate.
    private long _number;                               // Guarded by _gate.

    /// <summary>The next image of a worker.</summary>
    public byte[][] Next(int worker)
    {
        lock (_gate)
        {
            if (_taken.GetValueOrDefault(worker) == _number)
            {
                _number++;
                _image = [.. Enumerable.Range(0, Random.Shared.Next(1, LayersMax + 1))
                    .Select(_ => RandomNumberGenerator.GetBytes(Random.Shared.Next(1, LayerBytesMax)))];
            }
            _taken[worker] = _number;
            return _image;
        }
    }
}
