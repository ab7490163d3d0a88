using System.Text.Json;
using Berth.Oci;

namespace Berth.Daemon.Streams;

/// <summary>A BuildKit build's answer: lines with its trace, and its image at the end. A quiet build says its image alone, or what led
/// to its failure.</summary>
/// <param name="target">Where lines go.</param>
/// <param name="isQuiet">Keep the trace back.</param>
internal sealed class TraceLines(ProgressStream target, bool isQuiet)
{
    // A quiet build's trace is kept in case it fails; only its end then matters.
    private const int HeldBytesMax = 1024 * 1024;
    private readonly Queue<Wire.ProgressMessage> _held = new();
    private int _heldBytes;

    /// <summary>Takes one message of the trace. Calls come one after the other.</summary>
    public void Write(ReadOnlyMemory<byte> message)
    {
        Wire.ProgressMessage line = new()
        {
            Id = "moby.buildkit.trace",
            Aux = JsonSerializer.SerializeToElement(Convert.ToBase64String(message.Span), Wire.ApiJson.Wire.String),
        };
        if (!isQuiet)
        {
            target.Write(line);
            return;
        }
        _held.Enqueue(line);
        _heldBytes += message.Length;
        while (_heldBytes > HeldBytesMax && _held.TryDequeue(out Wire.ProgressMessage? oldest))
            _heldBytes -= oldest.Aux!.Value.GetString()!.Length / 4 * 3;
    }

    /// <summary>Says what was made.</summary>
    /// <param name="image">The image; null when there is none.</param>
    public void Succeed(Digest? image)
    {
        if (image is not { } id)
            return;
        Wire.BuildResult result = new() { ID = id.ToString() };
        target.Write(isQuiet
            ? new Wire.ProgressMessage { Stream = $"{id}\n" }
            : new Wire.ProgressMessage
            {
                Id = "moby.image.id",
                Aux = JsonSerializer.SerializeToElement(result, Wire.ApiJson.Wire.BuildResult),
            });
    }

    /// <summary>Says why nothing was made.</summary>
    public void Fail(string message)
    {
        while (_held.TryDequeue(out Wire.ProgressMessage? line))
            target.Write(line);
        target.Fail(message);
    }
}
