using Berth.Faults;

namespace Berth.Distribution;

/// <summary>Reads small bodies of strangers with a limit.</summary>
internal static class BoundedBody
{
    /// <summary>The whole body, or a refusal when it is longer than the limit.</summary>
    /// <exception cref="RegistryException">InvalidArgument: longer.</exception>
    public static async Task<byte[]> ReadAsync(HttpContent content, int bytesMax, string what, CancellationToken cancellationToken)
    {
        byte[] body = await ReadPrefixAsync(content, bytesMax + 1, cancellationToken);
        return body.Length <= bytesMax ? body : throw new RegistryException(
            FaultKind.InvalidArgument, $"read {what}: it is larger than the limit of {bytesMax} bytes");
    }

    /// <summary>The body's first bytes, at most so many.</summary>
    public static async Task<byte[]> ReadPrefixAsync(HttpContent content, int bytesMax, CancellationToken cancellationToken)
    {
        await using Stream stream = await content.ReadAsStreamAsync(cancellationToken);
        using MemoryStream body = new();
        byte[] buffer = new byte[16 * 1024];
        while (body.Length < bytesMax)
        {
            int wanted = (int)Math.Min(buffer.Length, bytesMax - body.Length);
            int read = await stream.ReadAsync(buffer.AsMemory(0, wanted), cancellationToken);
            if (read == 0)
                break;
            body.Write(buffer, 0, read);
        }
        return body.ToArray();
    }
}
