using System.Globalization;
using System.Text;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Builder.Files;

/// <summary>Turns <c>user[:group]</c> into numbers by the tree's own <c>/etc/passwd</c> and <c>/etc/group</c>.</summary>
/// <remarks>The files are a stranger's: regular ones only, at most <see cref="BytesMax"/> are read.</remarks>
internal static class OwnerLookup
{
    public const int BytesMax = 4 * 1024 * 1024;

    /// <exception cref="FaultException">InvalidArgument: a name is not there.</exception>
    public static Owner Find(TargetTree tree, string text)
    {
        string[] parts = text.Split(':', 2);
        (uint uid, uint? primary) = FindUser(tree, parts[0]);
        if (parts.Length == 2)
            return new Owner(uid, FindGroup(tree, parts[1]));
        // --chown=55 means group 55 too; a name means its group 55's equal number, as Docker has it.
        return new Owner(uid, TryNumber(parts[0], out uint number) ? number : primary ?? uid);
    }

    /// <summary>The owner of what a user makes: the user's primary group where none is given.</summary>
    public static Owner FindProcess(TargetTree tree, string text)
    {
        if (text.Length == 0)
            return default;
        string[] parts = text.Split(':', 2);
        (uint uid, uint? primary) = FindUser(tree, parts[0]);
        return new Owner(uid, parts.Length == 2 ? FindGroup(tree, parts[1]) : primary ?? 0);
    }

    private static (uint Uid, uint? Primary) FindUser(TargetTree tree, string name)
    {
        bool isNumber = TryNumber(name, out uint number);
        foreach (string[] fields in ReadLines(tree, "etc/passwd"))
        {
            if (fields.Length >= 4 && TryNumber(fields[2], out uint uid) && TryNumber(fields[3], out uint gid)
                && (isNumber ? uid == number : fields[0] == name))
                return (uid, gid);
        }
        return isNumber ? (number, null) : throw FaultException.Invalid(
            $"unable to convert uid/gid chown string to host mapping: can't find uid for user {name}: no such user: {name}");
    }

    private static uint FindGroup(TargetTree tree, string name)
    {
        if (TryNumber(name, out uint number))
            return number;
        foreach (string[] fields in ReadLines(tree, "etc/group"))
        {
            if (fields.Length >= 3 && fields[0] == name && TryNumber(fields[2], out uint gid))
                return gid;
        }
        throw FaultException.Invalid(
            $"unable to convert uid/gid chown string to host mapping: can't find gid for group {name}: no such group: {name}");
    }

    private static bool TryNumber(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= int.MaxValue;

    private static IEnumerable<string[]> ReadLines(TargetTree tree, string path)
    {
        using FileDescriptor? file = tree.TryOpen(path, FileCalls.O_RDONLY | FileCalls.O_NONBLOCK);
        if (file is null || !FileCalls.Status(file).IsRegular)
            return [];
        byte[] buffer = new byte[Math.Min(FileCalls.Status(file).Size, BytesMax)];
        int length = 0;
        while (length < buffer.Length && FileCalls.Read(file, buffer.AsSpan(length)) is > 0 and var count)
            length += count;
        return [.. Encoding.UTF8.GetString(buffer, 0, length).Split('\n').Where(line => !line.StartsWith('#')).Select(
            line => line.Split(':'))];
    }
}
