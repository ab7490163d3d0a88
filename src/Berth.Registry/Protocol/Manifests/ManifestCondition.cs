using Berth.Registry.Database;
using Berth.Registry.Repositories;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Berth.Registry.Protocol.Manifests;

/// <summary>
/// What a change of a manifest or tag may rely on (<c>If-Match</c>, <c>If-None-Match</c>): two clients that read an index and write it back
/// with more in it do not write over each other.
/// </summary>
/// <remarks>RFC 9110 13.1.1 and 13.1.2. The entity tag is the digest in quotes, as GET answers it.</remarks>
internal sealed class ManifestCondition
{
    private readonly IList<EntityTagHeaderValue> _expected;
    private readonly IList<EntityTagHeaderValue> _unwanted;

    private ManifestCondition(IList<EntityTagHeaderValue> expected, IList<EntityTagHeaderValue> unwanted) =>
        (_expected, _unwanted) = (expected, unwanted);

    /// <summary>Reads a request's headers.</summary>
    /// <exception cref="RegistryException">UNSUPPORTED, 400: a header is not a list of entity tags. To go on without it would be what its
    /// sender wanted to prevent.</exception>
    public static ManifestCondition Of(HttpRequest request) =>
        new(Read("If-Match", request.Headers.IfMatch), Read("If-None-Match", request.Headers.IfNoneMatch));

    /// <summary>Makes sure that it holds, in the transaction of the change itself.</summary>
    /// <exception cref="RegistryException">DENIED, 412: it does not.</exception>
    public async Task RequireAsync(RegistryCall call, HubTransaction transaction, CancellationToken cancellationToken)
    {
        if (_expected.Count + _unwanted.Count == 0)
            return;
        string? current = (await ManifestTable.FindIdAsync(transaction, call.Repository, call.Reference, cancellationToken)
            .ConfigureAwait(false))?.Digest;
        EntityTagHeaderValue? actual = current is null ? null : new EntityTagHeaderValue($"\"{current}\"");
        if (_expected.Count > 0 && !_expected.Any(one => Fits(one, actual, useStrongComparison: true)))
            throw Failed("If-Match", call.Reference, current);
        if (_unwanted.Any(one => Fits(one, actual, useStrongComparison: false)))
            throw Failed("If-None-Match", call.Reference, current);
    }

    private static bool Fits(EntityTagHeaderValue given, EntityTagHeaderValue? actual, bool useStrongComparison) =>
        actual is not null && (given.Equals(EntityTagHeaderValue.Any) || given.Compare(actual, useStrongComparison));

    private static IList<EntityTagHeaderValue> Read(string header, StringValues values)
    {
        if (values.Count == 0)
            return [];
        bool isList = EntityTagHeaderValue.TryParseStrictList([.. values.OfType<string>()], out IList<EntityTagHeaderValue>? tags);
        return isList && tags is { Count: > 0 } && (tags.Count == 1 || !tags.Contains(EntityTagHeaderValue.Any))
            ? tags
            : throw new RegistryException(RegistryCode.UNSUPPORTED, StatusCodes.Status400BadRequest,
                $"{header}: '*' or digests in quotes as in \"sha256:…\" are expected");
    }

    private static RegistryException Failed(string header, string reference, string? current) => new(
        RegistryCode.DENIED, StatusCodes.Status412PreconditionFailed,
        $"{header} does not hold: {reference} {(current is null ? "does not exist" : $"is {current} now")}; read it again");
}
