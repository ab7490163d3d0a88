using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Berth.BuildKit.Protocol;
using Google.Protobuf;

namespace Berth.BuildKit.History;

/// <summary>Records of builds on disk: two files each, named by a digest of the client's name for the build. What the build said is there
/// before its record is.</summary>
/// <remarks>Whoever calls takes care that one call at a time writes.</remarks>
internal sealed class HistoryFiles(string directory)
{
    /// <summary>The longest record that is read back: one is cut before it is written.</summary>
    public const int RecordBytesMax = 1024 * 1024;

    private const string RecordEnd = ".record";
    private const string LogEnd = ".log";
    private const string NewEnd = ".new";
    private const int LengthBytes = 4;

    /// <summary>All records with the sizes of their logs; what a crash left half-made is removed.</summary>
    public IReadOnlyList<(BuildHistoryRecord Record, long LogBytes)> Load()
    {
        if (!Directory.Exists(directory))
            return [];
        List<(BuildHistoryRecord, long)> all = [];
        foreach (string half in Directory.EnumerateFiles(directory, "*" + NewEnd))
            File.Delete(half);
        foreach (string log in Directory.EnumerateFiles(directory, "*" + LogEnd))
        {
            string file = Path.ChangeExtension(log, RecordEnd);
            if (TryRead(file) is { } record && PathOf(record.Ref, LogEnd) == log)
            {
                all.Add((record, new FileInfo(log).Length));
                continue;
            }
            File.Delete(file);
            File.Delete(log);
        }
        return all;
    }

    /// <summary>Keeps what a build said.</summary>
    /// <returns>Bytes on disk.</returns>
    public long SaveLog(string name, IEnumerable<ReadOnlyMemory<byte>> messages)
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string path = PathOf(name, LogEnd);
        long bytes;
        using (FileStream file = File.Create(path + NewEnd))
        {
            Span<byte> length = stackalloc byte[LengthBytes];
            foreach (ReadOnlyMemory<byte> message in messages)
            {
                BinaryPrimitives.WriteInt32LittleEndian(length, message.Length);
                file.Write(length);
                file.Write(message.Span);
            }
            bytes = file.Length;
        }
        File.Move(path + NewEnd, path, overwrite: true);
        return bytes;
    }

    /// <summary>Keeps or replaces a record.</summary>
    public void SaveRecord(BuildHistoryRecord record)
    {
        string path = PathOf(record.Ref, RecordEnd);
        File.WriteAllBytes(path + NewEnd, record.ToByteArray());
        File.Move(path + NewEnd, path, overwrite: true);
    }

    /// <summary>Removes both.</summary>
    public void Delete(string name)
    {
        File.Delete(PathOf(name, RecordEnd));
        File.Delete(PathOf(name, LogEnd));
    }

    /// <summary>Opens what a build said; it can be read to its end also when it is removed meanwhile. Null: it is not there.</summary>
    public FileStream? OpenLog(string name)
    {
        try
        {
            return File.OpenRead(PathOf(name, LogEnd));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The next message of a log; null at its end, or where it was cut.</summary>
    public static async Task<byte[]?> ReadAsync(FileStream log, CancellationToken cancellationToken)
    {
        byte[] head = new byte[LengthBytes];
        if (await log.ReadAtLeastAsync(head, LengthBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false) < LengthBytes)
            return null;
        int length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length < 0 || length > log.Length - log.Position)
            return null;
        byte[] message = new byte[length];
        await log.ReadExactlyAsync(message, cancellationToken).ConfigureAwait(false);
        return message;
    }

    private static BuildHistoryRecord? TryRead(string file)
    {
        try
        {
            return new FileInfo(file) is { Exists: true, Length: <= RecordBytesMax }
                && BuildHistoryRecord.Parser.ParseFrom(File.ReadAllBytes(file)) is { CreatedAt: not null, CompletedAt: not null } record
                ? record : null;
        }
        catch (Exception unreadable) when (unreadable is InvalidProtocolBufferException or IOException)
        {
            return null;
        }
    }

    // The name is the client's, and may be anything.
    private string PathOf(string name, string end) =>
        Path.Join(directory, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name))) + end);
}
