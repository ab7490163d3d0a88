using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Building;
using Berth.Cli.Parsing;

namespace Berth.Cli.Configuration;

/// <summary>A context as one archive, as Docker's client writes (tar) and reads it (tar or zip): <c>meta.json</c> and
/// <c>tls/docker/*.pem</c>.</summary>
/// <remarks>It comes from somebody else: only these names are taken, and only files of a sane size.</remarks>
internal sealed record ContextArchive(string Meta, IReadOnlyDictionary<string, byte[]> Tls)
{
    private const long FileBytesMax = 10 * 1024 * 1024;
    private static readonly string[] s_tlsNames = ["ca.pem", "cert.pem", "key.pem"];

    /// <summary>Reads a tar or, as Docker's client does, a zip archive.</summary>
    /// <exception cref="CommandException">It is no archive of a context.</exception>
    public static async Task<ContextArchive> ReadAsync(Stream input, CancellationToken cancellationToken)
    {
        using MemoryStream bytes = new();
        await CopyAsync(input, bytes, "the archive", cancellationToken);
        bytes.Position = 0;
        Parts parts = new();
        if (bytes.GetBuffer().AsSpan(0, (int)Math.Min(4, bytes.Length)).SequenceEqual("PK\x03\x04"u8))
            await ReadZipAsync(bytes, parts, cancellationToken);
        else
            await ReadTarAsync(bytes, parts, cancellationToken);
        return new ContextArchive(parts.Meta ?? throw new CommandException("invalid context: no metadata found"), parts.Tls);
    }

    private static async Task ReadTarAsync(Stream input, Parts parts, CancellationToken cancellationToken)
    {
        try
        {
            await using TarReader reader = new(input, leaveOpen: true);
            while (await reader.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
            {
                if (entry.EntryType is not TarEntryType.Directory)
                    await parts.TakeAsync(entry.Name, entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile,
                        entry.DataStream ?? Stream.Null, cancellationToken);
            }
        }
        catch (EndOfStreamException) when (parts.Meta is not null && !parts.IsInside)
        {
            // Docker's client 28 ends its archives with the last file's last byte.
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or EndOfStreamException)
        {
            throw new CommandException($"invalid context: not a tar archive: {e.Message}");
        }
    }

    private static async Task ReadZipAsync(Stream input, Parts parts, CancellationToken cancellationToken)
    {
        try
        {
            await using ZipArchive archive = await ZipArchive.CreateAsync(
                input, ZipArchiveMode.Read, leaveOpen: true, Encoding.UTF8, cancellationToken);
            foreach (ZipArchiveEntry entry in archive.Entries.Where(static entry => !entry.FullName.EndsWith('/')))
            {
                await using Stream content = await entry.OpenAsync(cancellationToken);
                await parts.TakeAsync(entry.FullName, isFile: true, content, cancellationToken);
            }
        }
        catch (InvalidDataException e)
        {
            throw new CommandException($"invalid context: not a zip archive: {e.Message}");
        }
    }

    // By what comes out, not by what a header promises.
    private static async Task CopyAsync(Stream from, MemoryStream to, string name, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[64 * 1024];
        while (await from.ReadAsync(buffer, cancellationToken) is > 0 and int count)
        {
            if (to.Length + count > FileBytesMax)
                throw new CommandException($"read {name}: it is larger than {FileBytesMax} bytes");
            to.Write(buffer, 0, count);
        }
    }

    public async Task WriteAsync(Stream output, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArchiveWriter archive = new(output);
        await FileAsync(archive, "meta.json", Encoding.UTF8.GetBytes(Meta), 0x1A4, now, cancellationToken);
        // Docker writes the folders even when there is nothing in them.
        await DirectoryAsync(archive, "tls", now, cancellationToken);
        if (Tls.Count > 0)
            await DirectoryAsync(archive, "tls/docker", now, cancellationToken);
        foreach ((string name, byte[] content) in Tls.OrderBy(static t => t.Key, StringComparer.Ordinal))
            await FileAsync(archive, "tls/docker/" + name, content, 0x180, now, cancellationToken);
        await archive.FinishAsync(cancellationToken);
    }

    /// <summary>The metadata under another name.</summary>
    /// <exception cref="CommandException">It is not JSON.</exception>
    public string MetaNamed(string name)
    {
        try
        {
            if (JsonNode.Parse(Meta) is JsonObject meta)
            {
                meta["Name"] = name;
                return meta.ToJsonString();
            }
        }
        catch (JsonException)
        {
            // Said below.
        }
        throw new CommandException("invalid context: its metadata is not a JSON object");
    }

    private static Task DirectoryAsync(ArchiveWriter archive, string name, DateTimeOffset now, CancellationToken cancellationToken) =>
        archive.WriteAsync(new ArchiveEntry(name, ArchiveEntry.Directory, 0x1C0, now), default(ReadOnlyMemory<byte>), cancellationToken);

    private static Task FileAsync(
        ArchiveWriter archive, string name, byte[] content, int mode, DateTimeOffset now, CancellationToken cancellationToken) =>
        archive.WriteAsync(new ArchiveEntry(name, ArchiveEntry.File, mode, now) { Size = content.Length }, content, cancellationToken);

    private sealed class Parts
    {
        public string? Meta { get; private set; }

        public Dictionary<string, byte[]> Tls { get; } = [];

        /// <summary>A file has begun and not ended.</summary>
        public bool IsInside { get; private set; }

        public async Task TakeAsync(string path, bool isFile, Stream content, CancellationToken cancellationToken)
        {
            string name = path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path;
            bool isMeta = name == "meta.json";
            string? pem = Array.Find(s_tlsNames, n => name == "tls/docker/" + n);
            if ((!isMeta && pem is null) || !isFile)
                throw new CommandException($"{path}: unexpected context file");
            using MemoryStream bytes = new();
            IsInside = true;
            await CopyAsync(content, bytes, name, cancellationToken);
            IsInside = false;
            if (isMeta)
                Meta = Encoding.UTF8.GetString(bytes.ToArray());
            else
                Tls[pem!] = bytes.ToArray();
        }
    }
}
