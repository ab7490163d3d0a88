using System.Text;

namespace Berth.Registry.Accounts.Htpasswd;

/// <summary>What an htpasswd file says: lines of a name, a colon and a password's hash, of which bcrypt's are taken, as by
/// docker-registry.</summary>
/// <remarks>
/// As there, white space around a line and lines that begin with <c>#</c> do not count, a second colon ends the hash, and of a name's
/// several lines the last counts, also when it is one that cannot be used: an older password must not come back. A byte order mark, which
/// editors leave, is passed over.
/// </remarks>
public sealed class HtpasswdText
{
    /// <summary>Largest file that is read, in bytes.</summary>
    public const int BytesMax = 16 * 1024 * 1024;

    /// <summary>Longest line in bytes.</summary>
    public const int LineBytesMax = 1024;

    /// <summary>Lines that are kept with what is wrong with them; of more, the number.</summary>
    public const int RefusalsMax = 1000;

    private const int ShownLengthMax = 60;
    private const int PartBytes = 64 * 1024;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Dictionary<string, HtpasswdEntry> _entries = new(StringComparer.Ordinal);
    private readonly List<HtpasswdRefusal> _refusals = [];

    private HtpasswdText()
    {
    }

    /// <summary>The accounts by name.</summary>
    public IReadOnlyDictionary<string, HtpasswdEntry> Entries => _entries;

    /// <summary>The first lines that cannot be used.</summary>
    public IReadOnlyList<HtpasswdRefusal> Refusals => _refusals;

    /// <summary>How many lines cannot be used.</summary>
    public int RefusalCount { get; private set; }

    /// <summary>Reads a file's bytes.</summary>
    public static HtpasswdText Parse(ReadOnlySpan<byte> bytes)
    {
        var text = new HtpasswdText();
        if (bytes is [0xff, 0xfe, ..] or [0xfe, 0xff, ..])
        {
            text.Refuse(1, "the file is UTF-16: save it as UTF-8");
            return text;
        }
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        int number = 0;
        foreach (Range line in bytes.Split((byte)'\n'))
            text.Read(++number, bytes[line]);
        return text;
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="FaultException">InvalidArgument: it cannot be read, or is larger than <see cref="BytesMax"/>.</exception>
    public static HtpasswdText Load(string path)
    {
        try
        {
            using FileStream file = Open(path);
            return Load(file, path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw FaultException.Invalid($"read htpasswd file {path}: {failure.Message}", failure);
        }
    }

    // Without the lock that .NET takes otherwise: whoever writes the file need not wait for us.
    internal static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    internal static HtpasswdText Load(FileStream file, string path)
    {
        // To its end and not by its length: a pipe has none, and some files of the kernel say zero.
        using var bytes = new MemoryStream();
        byte[] part = new byte[PartBytes];
        for (int count; (count = file.Read(part)) > 0; bytes.Write(part, 0, count))
        {
            if (bytes.Length + count > BytesMax)
                throw FaultException.Invalid($"read htpasswd file {path}: it is larger than {BytesMax / 1024 / 1024} MiB");
        }
        return Parse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    private void Read(int number, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > LineBytesMax)
        {
            Refuse(number, $"it is longer than {LineBytesMax} bytes");
            return;
        }
        if (Decode(bytes) is not { } decoded)
        {
            Refuse(number, "it is not UTF-8");
            return;
        }
        ReadOnlySpan<char> line = decoded.AsSpan().Trim();
        if (line.IsEmpty || line[0] == '#')
            return;
        int colon = line.IndexOf(':');
        if (colon < 0)
        {
            // Nothing of it is shown: it may be a password.
            Refuse(number, "it has no colon: NAME:HASH is expected, as \"htpasswd -B FILE NAME\" writes it");
            return;
        }
        string name = line[..colon].ToString();
        ReadOnlySpan<char> hash = line[(colon + 1)..];
        int end = hash.IndexOf(':');
        Read(number, name, (end < 0 ? hash : hash[..end]).ToString());
    }

    private void Read(int number, string name, string hash)
    {
        if (!AccountName.TryParse(name, out _))
        {
            Refuse(number, $"{Shown(name)}: {ReasonOf(name)}");
            return;
        }
        if (_entries.Remove(name, out HtpasswdEntry? earlier))
            Refuse(earlier.Line, $"{name}: line {number} has the name again, and the last one counts");
        if (Fault(hash) is { } fault)
            Refuse(number, $"{name}: {fault}");
        else
            _entries[name] = new HtpasswdEntry(number, name, hash);
    }

    // Why a hash cannot be used; null when it can.
    private static string? Fault(string hash)
    {
        const string Again = "make it again with \"htpasswd -B FILE NAME\"";
        if (BcryptHash.TryParse(hash, out BcryptHash bcrypt))
            return bcrypt.Cost <= BcryptHash.CostMax ? null
                : $"its bcrypt cost is {bcrypt.Cost}, and at most {BcryptHash.CostMax} is taken: "
                    + "make it again with \"htpasswd -B -C 10 FILE NAME\"";
        if (BcryptHash.IsMeant(hash))
            return $"its bcrypt hash is cut short or damaged: {Again}";
        return hash switch
        {
            "" => $"it has no password: {Again}",
            _ when hash.StartsWith("$apr1$", StringComparison.Ordinal) => $"it is hashed with MD5 (apr1): {Again}",
            _ when hash.StartsWith("{SHA}", StringComparison.Ordinal) => $"it is hashed with SHA-1: {Again}",
            ['{', ..] or ['$', ..] => $"it is hashed with something else than bcrypt: {Again}",
            _ => $"it is hashed with crypt, or not at all: {Again}",
        };
    }

    private static string ReasonOf(string name)
    {
        try
        {
            AccountName.Parse(name);
            return "";
        }
        catch (FaultException fault)
        {
            return $"it is no account name here: {fault.Message[(fault.Message.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]}";
        }
    }

    private static string Shown(string name)
    {
        // A hash, where the line has lost its beginning.
        if (name.Contains('$', StringComparison.Ordinal))
            return "(what stands before its colon)";
        string text = string.Concat(name.Take(ShownLengthMax).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return text.Length == 0 ? "(no name)" : name.Length > ShownLengthMax ? text + "…" : text;
    }

    private static string? Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private void Refuse(int line, string reason)
    {
        RefusalCount++;
        if (_refusals.Count < RefusalsMax)
            _refusals.Add(new HtpasswdRefusal(line, reason));
    }
}
