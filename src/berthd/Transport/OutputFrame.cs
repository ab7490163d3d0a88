using System.Buffers.Binary;

namespace Berth.Daemon.Transport;

/// <summary>The header of a piece of output: stream (1 output, 2 errors, 3 the engine's own error), three zeros, length as a
/// big-endian 32-bit number.</summary>
internal static class OutputFrame
{
    /// <summary>The length of a header.</summary>
    public const int HeaderBytes = 8;

    /// <summary>The stream for what went wrong in the engine itself.</summary>
    public const byte SystemError = 3;

    /// <summary>Framed output of several streams.</summary>
    public const string MultiplexedType = "application/vnd.docker.multiplexed-stream";

    /// <summary>Output as it is.</summary>
    public const string RawType = "application/vnd.docker.raw-stream";

    /// <summary>Writes a header in front of <paramref name="count"/> bytes.</summary>
    public static void WriteHeader(Span<byte> destination, byte stream, int count)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)stream << 24);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], (uint)count);
    }

    /// <summary>The content type: clients of API 1.42 and later tell the two apart by it.</summary>
    public static string ContentType(bool framed, Wire.ApiVersion version) =>
        framed && version >= new Wire.ApiVersion(1, 42) ? MultiplexedType : RawType;
}
