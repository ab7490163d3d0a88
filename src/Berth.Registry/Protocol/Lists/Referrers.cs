using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Cache;
using Berth.Registry.Repositories;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Berth.Registry.Protocol.Lists;

/// <summary>end-12, GET <c>/v2/&lt;name&gt;/referrers/&lt;digest&gt;</c>: what was attached to a manifest, as an index.</summary>
internal static class Referrers
{
    // An answer must stay an index that clients take: 4 MiB, of which annotations may be the most.
    private const int CountMax = 500;
    private const int AnnotationBytesMax = 2 * 1024 * 1024;

    public static async Task AnswerAsync(RegistryCall call)
    {
        Digest subject = call.Digest;
        Upstream? upstream = await call.RequirePullAsync().ConfigureAwait(false);
        PageRequest page = PageRequest.Of(call);
        if (page.Count is 0 or > CountMax)
            page = page with { Count = CountMax };
        string? type = TypeOf(call);
        List<ReferrerRow> rows = upstream is null
            ? await ReadAsync(call, subject, type, page).ConfigureAwait(false)
            : await AskAsync(call, upstream, subject, type, page).ConfigureAwait(false);
        int count = Fitting(rows, page.Count);
        if (type is not null)
            call.Response.Headers["OCI-Filters-Applied"] = "artifactType";
        if (count < rows.Count)
            page.Link(call, rows[count - 1].Digest, type is null ? "" : "&artifactType=" + Uri.EscapeDataString(type));
        await call.WriteJsonAsync(json => Write(json, rows.Take(count)), ManifestDocument.OciIndex).ConfigureAwait(false);
    }

    private static string? TypeOf(RegistryCall call)
    {
        StringValues given = call.Request.Query["artifactType"];
        if (given.Count > 1)
            throw new RegistryException(RegistryCode.UNSUPPORTED, StatusCodes.Status400BadRequest, "artifactType: one is expected");
        // A plus sign that was not encoded reads as a space, which no media type has: "application/spdx+json" is what people write.
        return given.ToString() is { Length: > 0 } type ? type.Replace(' ', '+') : null;
    }

    // All that the upstream has; while it is away or limits us, what was pulled through, if the subject was.
    private static async Task<List<ReferrerRow>> AskAsync(
        RegistryCall call, Upstream upstream, Digest subject, string? type, PageRequest page)
    {
        try
        {
            IReadOnlyList<ReferrerRow> all =
                await call.Services.Cache.Lists.ReferrersAsync(call, upstream, subject).ConfigureAwait(false);
            return
            [
                .. all.Where(row => (type is null || row.ArtifactType == type) && string.CompareOrdinal(row.Digest, page.After) > 0)
                    .Take(page.Count + 1),
            ];
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.Unavailable)
        {
            if (await call.Services.Database.ReadAsync(
                (transaction, token) => ManifestTable.FindIdAsync(transaction, call.Repository, subject.ToString(), token), call.Aborted)
                .ConfigureAwait(false) is null)
                throw;
            return await ReadAsync(call, subject, type, page).ConfigureAwait(false);
        }
    }

    private static Task<List<ReferrerRow>> ReadAsync(RegistryCall call, Digest subject, string? type, PageRequest page) =>
        call.Services.Database.ReadAsync(
            async (transaction, token) =>
            {
                RepositoryRow? repository = await RepositoryTable.FindAsync(transaction, call.Repository, token).ConfigureAwait(false);
                // A repository without anything has nothing attached either: the answer is an empty index, as for an unknown subject.
                return repository is null
                    ? []
                    : await ReferrerRow.ListAsync(transaction, repository.Id, subject, type, page.After, page.Count + 1, token)
                        .ConfigureAwait(false);
            }, call.Aborted);

    private static int Fitting(List<ReferrerRow> rows, int countMax)
    {
        int count = 0;
        long bytes = 0;
        foreach (ReferrerRow row in rows)
        {
            bytes += row.Annotations?.Length ?? 0;
            if (count == countMax || count > 0 && bytes > AnnotationBytesMax)
                break;
            count++;
        }
        return count;
    }

    private static void Write(Utf8JsonWriter json, IEnumerable<ReferrerRow> rows)
    {
        json.WriteStartObject();
        json.WriteNumber("schemaVersion"u8, 2);
        json.WriteString("mediaType"u8, ManifestDocument.OciIndex);
        json.WriteStartArray("manifests"u8);
        foreach (ReferrerRow row in rows)
        {
            json.WriteStartObject();
            json.WriteString("mediaType"u8, row.MediaType);
            json.WriteString("digest"u8, row.Digest);
            json.WriteNumber("size"u8, row.Bytes);
            if (row.ArtifactType is { Length: > 0 } artifact)
                json.WriteString("artifactType"u8, artifact);
            if (row.Annotations is { } annotations)
            {
                json.WritePropertyName("annotations"u8);
                json.WriteRawValue(annotations);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
