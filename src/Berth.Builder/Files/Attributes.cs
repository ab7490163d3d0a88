using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Builder.Files;

/// <summary>The extended attributes that belong to an image: file capabilities, access lists and users' own.</summary>
internal static class Attributes
{
    public static IReadOnlyList<(byte[] Name, byte[] Value)> Read(FileDescriptor directory, ReadOnlySpan<byte> entry)
    {
        IReadOnlyList<byte[]> names = FileCalls.ListAttributes(directory, entry);
        if (names.Count == 0)
            return [];
        List<(byte[], byte[])> found = [];
        foreach (byte[] name in names.Where(Belongs).OrderBy(Convert.ToHexString, StringComparer.Ordinal))
        {
            if (FileCalls.GetAttribute(directory, entry, name) is { } value)
                found.Add((name, value));
        }
        return found;
    }

    private static bool Belongs(byte[] name)
    {
        ReadOnlySpan<byte> text = name.AsSpan(0, name.Length - 1);
        return (text.StartsWith("user."u8) && !text.StartsWith("user.overlay."u8))
            || text.SequenceEqual("security.capability"u8) || text.StartsWith("system.posix_acl_"u8);
    }
}
