using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Parsing;
using Berth.Client;

namespace Berth.Cli.Configuration;

/// <summary>Where the engine of a context is.</summary>
internal sealed record ContextEndpoint(string Host, bool SkipTlsVerify, TlsFiles? Tls);

/// <summary>A named engine, as Docker keeps it.</summary>
internal sealed record ContextEntry(string Name, string Description, ContextEndpoint Endpoint);

/// <summary>Docker's contexts: <c>contexts/meta/SHA256-of-name/meta.json</c> and TLS files beside, shared with the docker client.</summary>
internal sealed class ContextStore(string configDirectory)
{
    private string Meta => Path.Combine(configDirectory, "contexts", "meta");

    public string MetaDirectory(string name) => Path.Combine(Meta, Id(name));

    public string TlsDirectory(string name) => Path.Combine(configDirectory, "contexts", "tls", Id(name));

    public bool Exists(string name) => File.Exists(Path.Combine(MetaDirectory(name), "meta.json"));

    /// <exception cref="CommandException">There is no such context, or its file is broken.</exception>
    public ContextEntry Load(string name) => Exists(name)
        ? Read(Path.Combine(MetaDirectory(name), "meta.json"))
        : throw NotFound(name);

    public CommandException NotFound(string name) => new(
        $"context \"{name}\": context not found: open {Path.Combine(MetaDirectory(name), "meta.json")}: no such file or directory");

    /// <summary>The TLS files that a context has, by their names there.</summary>
    public static IEnumerable<string> TlsNamesOf(ContextEntry entry) =>
        entry.Endpoint.Tls is { } tls ? TlsFilesOf(tls).Select(static f => f.Key) : [];

    public IEnumerable<ContextEntry> All() => Directory.Exists(Meta)
        ? Directory.EnumerateFiles(Meta, "meta.json", SearchOption.AllDirectories).Select(Read)
            .OrderBy(static c => c.Name, StringComparer.Ordinal)
        : [];

    public void Save(ContextEntry entry)
    {
        WriteMeta(entry.Name, MetaText(entry));
        if (entry.Endpoint.Tls is { } tls)
            WriteTls(entry.Name, TlsFilesOf(tls));
    }

    /// <summary>The context as one archive.</summary>
    public ContextArchive Export(ContextEntry entry) =>
        new(MetaText(entry), entry.Endpoint.Tls is { } tls ? TlsFilesOf(tls).ToDictionary() : []);

    /// <summary>Makes a context of an archive.</summary>
    /// <exception cref="CommandException">The archive's metadata is broken; nothing is kept.</exception>
    public void Import(string name, ContextArchive archive)
    {
        WriteMeta(name, archive.MetaNamed(name));
        if (archive.Tls.Count > 0)
            WriteTls(name, archive.Tls);
    }

    private static string MetaText(ContextEntry entry)
    {
        JsonObject metadata = [];
        if (entry.Description.Length > 0)
            metadata["Description"] = entry.Description;
        JsonObject meta = new()
        {
            ["Name"] = entry.Name,
            ["Metadata"] = metadata,
            ["Endpoints"] = new JsonObject
            {
                ["docker"] = new JsonObject { ["Host"] = entry.Endpoint.Host, ["SkipTLSVerify"] = entry.Endpoint.SkipTlsVerify },
            },
        };
        return meta.ToJsonString();
    }

    public void Remove(string name)
    {
        Directory.Delete(MetaDirectory(name), recursive: true);
        if (Directory.Exists(TlsDirectory(name)))
            Directory.Delete(TlsDirectory(name), recursive: true);
    }

    /// <summary>Docker's rule for names.</summary>
    public static bool IsName(string name) => name.Length > 1 && char.IsAsciiLetterOrDigit(name[0])
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '+' or '-');

    private void WriteMeta(string name, string text)
    {
        Directory.CreateDirectory(MetaDirectory(name));
        string path = Path.Combine(MetaDirectory(name), "meta.json");
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static IEnumerable<KeyValuePair<string, byte[]>> TlsFilesOf(TlsFiles tls)
    {
        foreach ((string? source, string name) in ((string?, string)[])
            [(tls.CaPath, "ca.pem"), (tls.CertificatePath, "cert.pem"), (tls.KeyPath, "key.pem")])
        {
            if (source is not null && File.Exists(source))
                yield return KeyValuePair.Create(name, File.ReadAllBytes(source));
        }
    }

    // The key is the user's own from its first byte on.
    private void WriteTls(string name, IEnumerable<KeyValuePair<string, byte[]>> files)
    {
        string directory = Path.Combine(TlsDirectory(name), "docker");
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach ((string file, byte[] bytes) in files)
        {
            string target = Path.Combine(directory, file);
            File.Delete(target);
            using FileStream stream = new(target, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            stream.Write(bytes);
        }
    }

    private ContextEntry Read(string path)
    {
        try
        {
            JsonNode meta = JsonNode.Parse(File.ReadAllBytes(path)) ?? throw new JsonException("empty");
            string name = (string?)meta["Name"] ?? "";
            JsonNode? docker = meta["Endpoints"]?["docker"];
            bool skip = (bool?)docker?["SkipTLSVerify"] ?? false;
            string tls = Path.Combine(TlsDirectory(name), "docker");
            TlsFiles? files = Directory.Exists(tls) || skip
                ? new TlsFiles(Path.Combine(tls, "ca.pem"), Path.Combine(tls, "cert.pem"), Path.Combine(tls, "key.pem"), !skip)
                : null;
            return new ContextEntry(
                name, (string?)meta["Metadata"]?["Description"] ?? "", new ContextEndpoint((string?)docker?["Host"] ?? "", skip, files));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CommandException($"read {path}: not a context: {e.Message}");
        }
    }

    private static string Id(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}
