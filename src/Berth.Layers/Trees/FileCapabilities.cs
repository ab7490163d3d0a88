using System.Buffers.Binary;

namespace Berth.Layers.Trees;

/// <summary>The attribute <c>security.capability</c> of a program: for whose root it holds.</summary>
/// <remarks>capabilities(7) "File capability extended attribute versioning", linux/capability.h <c>vfs_ns_cap_data</c>: little-endian
/// revision and flags, two pairs of sets, and in revision 3 the user who is root in the namespace that they hold in.</remarks>
internal static class FileCapabilities
{
    private const uint RevisionMask = 0xFF000000, Revision2 = 0x02000000, Revision3 = 0x03000000;
    private const int Bytes2 = 20, Bytes3 = 24;

    /// <summary>The attribute's name.</summary>
    public static ReadOnlySpan<byte> Name => "security.capability"u8;

    /// <summary>What holds for everybody, made to hold for one namespace's root.</summary>
    public static byte[] For(byte[] value, uint root)
    {
        if (value.Length != Bytes2 || Revision(value) != Revision2)
            return value;
        byte[] owned = new byte[Bytes3];
        value.CopyTo(owned, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(owned, (BinaryPrimitives.ReadUInt32LittleEndian(value) & ~RevisionMask) | Revision3);
        BinaryPrimitives.WriteUInt32LittleEndian(owned.AsSpan(Bytes2), root);
        return owned;
    }

    /// <summary>What holds for a namespace's root as it is said inside.</summary>
    public static byte[] Of(byte[] value, uint root)
    {
        if (value.Length != Bytes3 || Revision(value) != Revision3 || BinaryPrimitives.ReadUInt32LittleEndian(value.AsSpan(Bytes2)) != root)
            return value;
        byte[] plain = value[..Bytes2];
        BinaryPrimitives.WriteUInt32LittleEndian(plain, (BinaryPrimitives.ReadUInt32LittleEndian(value) & ~RevisionMask) | Revision2);
        return plain;
    }

    private static uint Revision(byte[] value) => BinaryPrimitives.ReadUInt32LittleEndian(value) & RevisionMask;
}
