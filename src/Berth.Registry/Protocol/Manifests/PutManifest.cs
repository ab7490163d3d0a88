using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Berth.Oci;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Manifests;

/// <summary>
/// end-7, PUT <c>/v2/&lt;name&gt;/manifests/&lt;reference&gt;</c>: by tag, or by digest with as many <c>tag=</c> as are wanted.
/// </summary>
internal static class PutManifest
{
    private const int TagsMax = 10;

    public static async Task AnswerAsync(RegistryCall call)
    {
        (Digest expected, string[] tags) = ReadTarget(call);
        var condition = ManifestCondition.Of(call.Request);
        await call.RequireAsync(RepositoryAccess.Push).ConfigureAwait(false);
        byte[] document = await ReadBodyAsync(call).ConfigureAwait(false);
        Digest digest = DigestOf(document, expected);
        ManifestDocument manifest;
        try
        {
            manifest = ManifestDocument.Parse(document, call.Request.ContentType);
        }
        catch (FaultException fault)
        {
            throw new RegistryException(RegistryCode.MANIFEST_INVALID, fault.Message);
        }
        await call.Services.Database.WriteAsync(
            async (transaction, token) =>
            {
                await condition.RequireAsync(call, transaction, token).ConfigureAwait(false);
                return await StoreAsync(call, transaction, digest, manifest, document, tags, token).ConfigureAwait(false);
            }, call.Aborted).ConfigureAwait(false);
        call.Services.News.Announce();
        HttpResponse response = call.Response;
        response.StatusCode = StatusCodes.Status201Created;
        response.Headers.Location = $"/v2/{call.Repository}/manifests/{digest}";
        response.Headers["Docker-Content-Digest"] = digest.ToString();
        response.Headers.ETag = $"\"{digest}\"";
        if (!manifest.Subject.IsEmpty)
            response.Headers["OCI-Subject"] = manifest.Subject.ToString();
        if (tags.Length > 0 && !expected.IsEmpty)
            response.Headers["OCI-Tag"] = tags;
        response.ContentLength = 0;
    }

    /// <summary>Stores a manifest and moves tags to it, in one transaction.</summary>
    private static async Task<bool> StoreAsync(
        RegistryCall call, HubTransaction transaction, Digest digest, ManifestDocument manifest, byte[] document, string[] tags,
        CancellationToken cancellationToken)
    {
        long now = call.Now;
        RepositoryRow repository = await RepositoryTable
            .FindOrCreateAsync(transaction, call.Repository, call.Services.Options.NewRepositories, now, cancellationToken)
            .ConfigureAwait(false);
        await ManifestTable.AddAsync(transaction, repository, digest, manifest, document, now, cancellationToken).ConfigureAwait(false);
        foreach (string tag in tags)
            await TagTable.SetAsync(transaction, repository, tag, digest, call.Caller, now, cancellationToken).ConfigureAwait(false);
        foreach (string? tag in tags.DefaultIfEmpty<string?>(null))
        {
            RepositoryNewsItem item = new()
            {
                Action = tag is null ? AuditActions.ManifestPush : AuditActions.TagPush, Repository = call.Repository.Value, Tag = tag,
                Digest = digest.ToString(), MediaType = manifest.MediaType,
            };
            await call.Services.News.TellAsync(transaction, call.Caller, item, cancellationToken).ConfigureAwait(false);
        }
        await transaction.ExecuteAsync($"update repositories set pushed_at = {now} where id = {repository.Id}", cancellationToken)
            .ConfigureAwait(false);
        return true;
    }

    private static (Digest Expected, string[] Tags) ReadTarget(RegistryCall call)
    {
        bool isTag = !call.Reference.Contains(':', StringComparison.Ordinal);
        if (isTag && call.Request.Query.ContainsKey("tag"))
            throw new RegistryException(RegistryCode.UNSUPPORTED, StatusCodes.Status400BadRequest,
                "tag: more tags are given to a manifest that is pushed by its digest; this one is pushed by a tag");
        if (isTag)
            return TagName.IsValid(call.Reference)
                ? (default, [call.Reference])
                : throw new RegistryException(RegistryCode.MANIFEST_INVALID, "not a tag: at most 128 letters, digits, '_', '.' and '-'");
        string[] tags = call.Request.Query.TryGetValue("tag", out var given) ? [.. given.OfType<string>().Distinct()] : [];
        if (tags.Length > TagsMax)
            throw new RegistryException(RegistryCode.MANIFEST_INVALID, $"more than {TagsMax} tags at once");
        return Array.TrueForAll(tags, TagName.IsValid)
            ? (call.Digest, tags)
            : throw new RegistryException(RegistryCode.MANIFEST_INVALID, "not a tag: at most 128 letters, digits, '_', '.' and '-'");
    }

    private static async Task<byte[]> ReadBodyAsync(RegistryCall call)
    {
        if (call.Request.ContentLength > ManifestDocument.BytesMax)
            throw TooLarge();
        PipeReader body = call.Request.BodyReader;
        var document = new ArrayBufferWriter<byte>((int)Math.Max(call.Request.ContentLength ?? 0, 4096));
        while (true)
        {
            // Taken out as it comes: the server holds back the client when much of it lies in the pipe.
            ReadResult read = await body.ReadAsync(call.Aborted).ConfigureAwait(false);
            bool fits = document.WrittenCount + read.Buffer.Length <= ManifestDocument.BytesMax;
            foreach (ReadOnlyMemory<byte> segment in fits ? read.Buffer : default)
                document.Write(segment.Span);
            // Also before a refusal: a body that is left in the midst of reading costs its connection.
            body.AdvanceTo(read.Buffer.End);
            if (!fits)
                throw TooLarge();
            if (read.IsCompleted)
                return document.WrittenSpan.ToArray();
        }
    }

    private static Digest DigestOf(byte[] document, Digest expected)
    {
        Digest actual = !expected.IsEmpty && expected.Algorithm == "sha512"
            ? Digest.FromSha512(SHA512.HashData(document))
            : Digest.Of(document);
        return expected.IsEmpty || expected == actual
            ? actual
            : throw new RegistryException(RegistryCode.DIGEST_INVALID, $"the manifest's digest is {actual}");
    }

    private static RegistryException TooLarge() => new(
        RegistryCode.SIZE_INVALID, StatusCodes.Status413PayloadTooLarge, $"a manifest has at most {ManifestDocument.BytesMax} bytes");
}
