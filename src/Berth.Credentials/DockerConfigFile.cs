using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Faults;

namespace Berth.Credentials;

/// <summary>The docker client's configuration file, as far as credentials go. Everything else in it stays as it is, in order.</summary>
/// <remarks><c>$DOCKER_CONFIG/config.json</c>, else <c>~/.docker/config.json</c>. Read anew for each question, because other
/// programs write it too. It is replaced at once and readable by its owner alone.</remarks>
public sealed class DockerConfigFile(string path)
{
    /// <summary>The key under which Docker Hub's credentials are stored.</summary>
    public const string HubKey = "https://index.docker.io/v1/";

    private const long FileBytesMax = 4 * 1024 * 1024;
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, IndentCharacter = '\t', IndentSize = 1 };

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>The user's file.</summary>
    public static DockerConfigFile OfUser()
    {
        string? directory = Environment.GetEnvironmentVariable("DOCKER_CONFIG");
        if (string.IsNullOrEmpty(directory))
            directory = System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker");
        return new DockerConfigFile(System.IO.Path.Combine(directory, "config.json"));
    }

    /// <summary>The key for a registry's name: Docker Hub's own, the host for others.</summary>
    public static string KeyFor(string registry)
    {
        int scheme = registry.IndexOf("://", StringComparison.Ordinal);
        string host = scheme < 0 ? registry : registry[(scheme + 3)..];
        host = host.Split('/')[0];
        return host is "" or "docker.io" or "index.docker.io" or "registry-1.docker.io" ? HubKey : host;
    }

    /// <summary>What is stored for a registry, by its helper or in the file; null for nothing.</summary>
    /// <exception cref="FaultException">InvalidArgument: the file is malformed. Unavailable: the helper failed.</exception>
    public async Task<StoredCredentials?> GetAsync(string registry, CancellationToken cancellationToken)
    {
        JsonObject file = await ReadAsync(cancellationToken);
        string key = KeyFor(registry);
        if (HelperFor(file, key) is { } helper)
            return await helper.GetAsync(key, cancellationToken);
        if (file["auths"] is not JsonObject auths)
            return null;
        foreach ((string stored, JsonNode? entry) in auths)
        {
            // Old clients wrote whole addresses.
            if (entry is JsonObject found && (stored == key || (key != HubKey && KeyFor(stored) == key)))
                return Decode(found, key);
        }
        return null;
    }

    /// <summary>Everything that is stored, by registry: what a build may need for images that are not known beforehand.</summary>
    /// <exception cref="FaultException">As above.</exception>
    public async Task<IReadOnlyDictionary<string, StoredCredentials>> GetAllAsync(CancellationToken cancellationToken)
    {
        JsonObject file = await ReadAsync(cancellationToken);
        SortedSet<string> keys = new(StringComparer.Ordinal);
        foreach (string section in (ReadOnlySpan<string>)["auths", "credHelpers"])
        {
            if (file[section] is JsonObject entries)
                keys.UnionWith(entries.Select(entry => entry.Key));
        }
        if (Text(file["credsStore"]) is { Length: > 0 } store)
            keys.UnionWith((await new CredentialHelper(store).ListAsync(cancellationToken)).Keys);
        Dictionary<string, StoredCredentials> all = [];
        foreach (string key in keys.Select(KeyFor).Distinct())
        {
            if (await GetAsync(key, cancellationToken) is { } found)
                all[key] = found;
        }
        return all;
    }

    /// <summary>Stores credentials with the registry's helper, or in the file when there is none.</summary>
    /// <returns>True when they went into the file, where anybody who reads it can use them: worth a warning.</returns>
    /// <exception cref="FaultException">As above.</exception>
    public async Task<bool> StoreAsync(string registry, StoredCredentials credentials, CancellationToken cancellationToken)
    {
        JsonObject file = await ReadAsync(cancellationToken);
        string key = KeyFor(registry);
        JsonObject entry = [];
        CredentialHelper? helper = HelperFor(file, key);
        if (helper is not null)
        {
            await helper.StoreAsync(key, credentials, cancellationToken);
        }
        else
        {
            entry["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credentials.Username}:{credentials.Password}"));
            if (credentials.IdentityToken.Length > 0)
                entry["identitytoken"] = credentials.IdentityToken;
        }
        if (file["auths"] is not JsonObject auths)
            file["auths"] = auths = [];
        auths[key] = entry;
        await WriteAsync(file, cancellationToken);
        return helper is null;
    }

    /// <summary>Forgets a registry's credentials; false when there were none in the file.</summary>
    /// <exception cref="FaultException">As above.</exception>
    public async Task<bool> EraseAsync(string registry, CancellationToken cancellationToken)
    {
        JsonObject file = await ReadAsync(cancellationToken);
        string key = KeyFor(registry);
        if (HelperFor(file, key) is { } helper)
            await helper.EraseAsync(key, cancellationToken);
        if (file["auths"] is not JsonObject auths)
            return false;
        string[] stored = [.. auths.Select(entry => entry.Key).Where(name => name == key || KeyFor(name) == key)];
        foreach (string name in stored)
            auths.Remove(name);
        if (stored.Length > 0)
            await WriteAsync(file, cancellationToken);
        return stored.Length > 0;
    }

    private static CredentialHelper? HelperFor(JsonObject file, string key)
    {
        string name = file["credHelpers"] is JsonObject helpers && Text(helpers[key]) is { Length: > 0 } own
            ? own : Text(file["credsStore"]);
        return name.Length == 0 ? null : new CredentialHelper(name);
    }

    private StoredCredentials? Decode(JsonObject entry, string key)
    {
        string token = Text(entry["identitytoken"]);
        string auth = Text(entry["auth"]);
        if (auth.Length == 0)
            return token.Length > 0 ? new StoredCredentials("", "", token) : null;
        byte[] bytes = new byte[auth.Length];
        if (!Convert.TryFromBase64String(auth, bytes, out int length))
            throw FaultException.Invalid($"read {path}: auth of {key} is not base64: log in again");
        string pair = Encoding.UTF8.GetString(bytes, 0, length);
        int colon = pair.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 ? new StoredCredentials(pair[..colon], pair[(colon + 1)..].TrimEnd('\0'), token)
            : throw FaultException.Invalid($"read {path}: auth of {key} is not user:password: log in again");
    }

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    private async Task<JsonObject> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            FileInfo info = new(path);
            if (!info.Exists)
                return [];
            if (info.Length > FileBytesMax)
                throw FaultException.Invalid($"read {path}: it is larger than {FileBytesMax} bytes");
            byte[] bytes = await File.ReadAllBytesAsync(path, cancellationToken);
            if (bytes.AsSpan().Trim(" \t\r\n"u8).IsEmpty)
                return [];
            JsonObject file = JsonNode.Parse(bytes) as JsonObject ?? throw FaultException.Invalid($"read {path}: it is not a JSON object");
            _ = file.Count;   // Finds doubled keys here, where they can be told.
            return file;
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw FaultException.Invalid($"read {path}: it is not JSON: repair or remove it");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FaultException.Unavailable($"read {path}: {exception.Message}", exception);
        }
    }

    private async Task WriteAsync(JsonObject file, CancellationToken cancellationToken)
    {
        // A link to the file (dotfile managers make them) stays a link.
        string target = File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
        string temporary = $"{target}.{Guid.NewGuid():n}";
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(target))!);
            FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using (FileStream stream = new(temporary, options))
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(file.ToJsonString(s_indented)), cancellationToken);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FaultException.Unavailable($"write {path}: {exception.Message}", exception);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
