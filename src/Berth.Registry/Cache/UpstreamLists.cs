using System.Net;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Model;
using Berth.Registry.Protocol;
using Berth.Registry.Repositories;

namespace Berth.Registry.Cache;

/// <summary>What upstream registries list: tags, and what was attached to a manifest. Whole lists are fetched and remembered for as long
/// as a tag is, so that this hub pages by itself, whatever the marks of the upstream are.</summary>
internal sealed class UpstreamLists(TimeProvider time)
{
    private const int PageBytesMax = 4 * 1024 * 1024;
    private const int PagesMax = 200;

    // Of one list, and of all that are remembered.
    private const int EntriesMax = 100_000;
    private const int RememberedMax = 200_000;

    private static readonly string[] s_indexes = [ManifestDocument.OciIndex];
    private static readonly string[] s_json = ["application/json"];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Remembered> _remembered = new(StringComparer.Ordinal); // Guarded by _gate.
    private int _entries;                                                                      // Guarded by _gate.

    /// <summary>All tags, in the order of their bytes.</summary>
    /// <exception cref="RegistryException">NAME_UNKNOWN: the upstream does not have the repository.</exception>
    /// <exception cref="FaultException">Unavailable: the upstream is away, limits us, or lists what is no list of tags.</exception>
    public Task<IReadOnlyList<string>> TagsAsync(RegistryCall call, Upstream upstream) => GetAsync(
        call, upstream, "", async () =>
        {
            var tags = new SortedSet<string>(StringComparer.Ordinal);
            HttpStatusCode answer = await EachPageAsync(
                call, upstream, "tags/list", "?n=1000", s_json, root => ReadTags(root, tags)).ConfigureAwait(false);
            // Registries answer alike for what is not there and for what we may not see.
            if (answer is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                throw call.UnknownName();
            RequireOk(upstream, answer);
            return (IReadOnlyList<string>)[.. tags];
        });

    /// <summary>All that was attached to a manifest, in the order of digests.</summary>
    /// <exception cref="FaultException">As of <see cref="TagsAsync"/>.</exception>
    public Task<IReadOnlyList<ReferrerRow>> ReferrersAsync(RegistryCall call, Upstream upstream, Digest subject) => GetAsync(
        call, upstream, subject.ToString(), async () =>
        {
            var rows = new SortedDictionary<string, ReferrerRow>(StringComparer.Ordinal);
            // Where the upstream does not offer it, clients keep an index under a tag: distribution-spec 1.1, "Referrers Tag Schema".
            HttpStatusCode answer = HttpStatusCode.NotFound;
            foreach (string path in new[] { $"referrers/{subject}", $"manifests/{subject.Algorithm}-{subject.Hex}" })
            {
                answer = await EachPageAsync(call, upstream, path, "", s_indexes, root => ReadReferrers(root, rows)).ConfigureAwait(false);
                if (answer == HttpStatusCode.OK)
                    break;
            }
            if (answer != HttpStatusCode.NotFound)
                RequireOk(upstream, answer);
            return (IReadOnlyList<ReferrerRow>)[.. rows.Values];
        });

    private async Task<IReadOnlyList<T>> GetAsync<T>(
        RegistryCall call, Upstream upstream, string subject, Func<Task<IReadOnlyList<T>>> fetchAsync)
    {
        string key = $"{call.Repository.Value}@{subject}";
        lock (_gate)
        {
            if (_remembered.TryGetValue(key, out Remembered? known) && time.GetUtcNow() - known.At < upstream.Options.TagTime)
                return (IReadOnlyList<T>)known.List;
        }
        IReadOnlyList<T> list = await fetchAsync().ConfigureAwait(false);
        lock (_gate)
        {
            // An empty list takes room, too.
            _entries += list.Count + 1;
            if (_remembered.Remove(key, out Remembered? former))
                _entries -= former.Entries;
            if (_entries > RememberedMax)
            {
                _remembered.Clear();
                _entries = list.Count + 1;
            }
            _remembered[key] = new Remembered(list, list.Count + 1, time.GetUtcNow());
        }
        return list;
    }

    private static void RequireOk(Upstream upstream, HttpStatusCode answer)
    {
        if (answer != HttpStatusCode.OK)
            throw upstream.Failed($"it answers with {(int)answer}");
    }

    // OK: the whole list was read. Otherwise what the upstream answered instead of its beginning.
    private static async Task<HttpStatusCode> EachPageAsync(
        RegistryCall call, Upstream upstream, string path, string query, string[] accept, Func<JsonElement, int> read)
    {
        string? next = query;
        for (int page = 0; next is not null; page++)
        {
            using HttpResponseMessage response = await upstream.AskAsync(
                HttpMethod.Get, upstream.NameOf(call.Repository), path + next, accept, call.Aborted).ConfigureAwait(false);
            if (page == 0 && response.StatusCode != HttpStatusCode.OK)
                return response.StatusCode;
            RequireOk(upstream, response.StatusCode);
            byte[] body = await upstream.ReadAsync(response, PageBytesMax, call.Aborted).ConfigureAwait(false);
            if (!TryRead(body, read, out int entries))
                throw upstream.Failed("its list is not one");
            next = NextQuery(response);
            if (entries > EntriesMax || next is not null && page >= PagesMax)
                throw upstream.Failed("its list is longer than is passed on");
        }
        return HttpStatusCode.OK;
    }

    private static bool TryRead(byte[] body, Func<JsonElement, int> read, out int entries)
    {
        entries = 0;
        try
        {
            using JsonDocument document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = ManifestDocument.JsonDepthMax });
            entries = read(document.RootElement);
            return entries >= 0;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // A text that is half a surrogate pair is the second.
            return false;
        }
    }

    // Where the list goes on: only what stands behind the question mark, so that nobody leads us, with credentials, to another place.
    private static string? NextQuery(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out IEnumerable<string>? values))
            return null;
        string? link = values.FirstOrDefault(value => value.Contains("rel=\"next\"", StringComparison.OrdinalIgnoreCase)
            || value.Contains("rel=next", StringComparison.OrdinalIgnoreCase));
        if (link is null)
            return null;
        (int open, int close) = (link.IndexOf('<', StringComparison.Ordinal), link.IndexOf('>', StringComparison.Ordinal));
        int question = open < 0 || close < open ? -1 : link.IndexOf('?', open, close - open);
        return question < 0 ? null : link[question..close];
    }

    // How many there are then; negative: it is no list of tags.
    private static int ReadTags(JsonElement root, SortedSet<string> tags)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("tags", out JsonElement list))
            return -1;
        // docker's registry says null where there are none.
        if (list.ValueKind == JsonValueKind.Null)
            return tags.Count;
        if (list.ValueKind != JsonValueKind.Array)
            return -1;
        foreach (JsonElement tag in list.EnumerateArray())
        {
            if (tag.ValueKind != JsonValueKind.String || tag.GetString() is not { } name || !TagName.IsValid(name))
                return -1;
            tags.Add(name);
        }
        return tags.Count;
    }

    private static int ReadReferrers(JsonElement root, SortedDictionary<string, ReferrerRow> rows)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("manifests", out JsonElement list)
            || list.ValueKind != JsonValueKind.Array)
            return -1;
        foreach (JsonElement entry in list.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object || ReadText(entry, "mediaType") is not { Length: > 0 } type
                || !Digest.TryParse(ReadText(entry, "digest"), out Digest digest)
                || !entry.TryGetProperty("size", out JsonElement size) || size.ValueKind != JsonValueKind.Number
                || !size.TryGetInt64(out long bytes) || bytes < 0 || !TryReadAnnotations(entry, out string? annotations))
                return -1;
            rows[digest.ToString()] = new ReferrerRow(type, digest.ToString(), bytes, ReadText(entry, "artifactType"), annotations);
        }
        return rows.Count;
    }

    private static bool TryReadAnnotations(JsonElement entry, out string? annotations)
    {
        annotations = null;
        if (!entry.TryGetProperty("annotations", out JsonElement given) || given.ValueKind == JsonValueKind.Null)
            return true;
        if (given.ValueKind != JsonValueKind.Object || given.EnumerateObject().Any(one => one.Value.ValueKind != JsonValueKind.String))
            return false;
        annotations = given.GetRawText();
        return true;
    }

    private static string? ReadText(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private sealed record Remembered(object List, int Entries, DateTimeOffset At);
}
