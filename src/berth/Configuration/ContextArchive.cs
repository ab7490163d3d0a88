using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Building;
using Berth.Cli.Parsing;

namespace Berth.Cli.Configuration;

/// <summary>A context as one tar file, as Docker's client writes and reads it: <c>meta.json</c> and <c>tls/docker/*.pem</c>.</summary>
/// <remarks>It comes from somebody else: only these names are taken, and only files of a sane size.</remarks>
internal sealed record ContextArchive(string Meta, IReadOnlyDictionary<string, byte[]> Tls)
{
    private const long FileBytesMax = 10 * 1024 * 1024;
    private static readonly string[] s_tlsNames = ["ca.pem", "cert.pem", "key.pem"];

    /// <exception cref="CommandException">It is no archive of a context.</exception>
    public static async Task<ContextArchive> ReadAsync(Stream input, CancellationToken cancellationToken)
    {
        string? meta = null;
        Dictionary<string, byte[]> tls = [];
        bool isInside = false;
        try
        {
            await using TarReader reader = new(input, leaveOpen: true);
            while (await reader.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
            {
                if (entry.EntryType is TarEntryType.Directory)
                    continue;
                string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                bool isMeta = name == "meta.json";
                string? pem = Array.Find(s_tlsNames, n => name == "tls/docker/" + n);
                if ((!isMeta && pem is null) || entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile))
                    throw new CommandException($"unexpected context file \"{entry.Name}\"");
                if (entry.Length > FileBytesMax)
                    throw new CommandException($"read {name}: it is larger than {FileBytesMax} bytes");
                using MemoryStream content = new();
                isInside = true;
                if (entry.DataStream is not null)
                    await entry.DataStream.CopyToAsync(content, cancellationToken);
                isInside = false;
                if (isMeta)
                    meta = Encoding.UTF8.GetString(content.ToArray());
                else
                    tls[pem!] = content.ToArray();
            }
        }
        catch (EndOfStreamException) when (meta is not null && !isInside)
        {
            // Docker's client 28 ends its archives with the last file's last byte.
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or EndOfStreamException)
        {
            throw new CommandException($"invalid context: not a tar archive: {e.Message}");
        }
        return new ContextArchive(meta ?? throw new CommandException("invalid context: no metadata found"), tls);
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
}
