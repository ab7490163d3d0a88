using System.Buffers;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Cache;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Berth.Registry.Protocol;

/// <summary>One request of the protocol whose caller is known.</summary>
internal sealed record RegistryCall(HttpContext Http, HubServices Services, Caller Caller, RepositoryName Repository, string Reference)
{
    public HttpRequest Request => Http.Request;

    public HttpResponse Response => Http.Response;

    public CancellationToken Aborted => Http.RequestAborted;

    public bool IsHead => HttpMethods.IsHead(Http.Request.Method);

    public long Now => Services.Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The call for work that belongs to several requests: nobody's in particular, and with an end of its own.</summary>
    public RegistryCall Share(CancellationToken cancellationToken) => this with
    {
        // The request may end before the work does, and its context then is another's.
        Http = new DefaultHttpContext { RequestAborted = cancellationToken }, Caller = Caller.Anonymous,
    };

    /// <summary>The reference as a digest.</summary>
    /// <exception cref="RegistryException">DIGEST_INVALID.</exception>
    public Digest Digest => ParseDigest(Reference);

    public string? Query(string name) => Request.Query.TryGetValue(name, out var values) ? values.ToString() : null;

    /// <summary>True when the request says that its sender has what this tag stands for (<c>If-None-Match</c>).</summary>
    public bool HasAlready(StringValues entityTag) => Request.Headers.IfNoneMatch is { Count: > 0 } header && header.ToString() is { } given
        && (given == "*" || given.Contains(entityTag.ToString(), StringComparison.Ordinal));

    /// <exception cref="RegistryException">DIGEST_INVALID.</exception>
    public static Digest ParseDigest(string? text) => Digest.TryParse(text, out Digest digest)
        ? digest
        : throw new RegistryException(RegistryCode.DIGEST_INVALID, "not a digest: 'sha256:' or 'sha512:' and lower-case hex");

    /// <summary>Makes sure that the caller may pull. The upstream that the repository belongs to; null: it is this hub's own.</summary>
    /// <exception cref="RegistryException">As of <see cref="RequireAsync"/>.</exception>
    public async ValueTask<Upstream?> RequirePullAsync()
    {
        // A cached repository exists when somebody has pulled it, and what anybody may pull needs no rights.
        Upstream? upstream = Services.Cache.UpstreamOf(Repository);
        if (upstream is not { Options.IsPublic: true })
            await RequireAsync(RepositoryAccess.Pull).ConfigureAwait(false);
        return upstream;
    }

    /// <summary>Makes sure that the caller has an access.</summary>
    /// <exception cref="RegistryException">UNAUTHORIZED, DENIED, or NAME_UNKNOWN where not even the name may be known.</exception>
    public async ValueTask RequireAsync(RepositoryAccess wanted)
    {
        bool pushes = (wanted & RepositoryAccess.Push) != 0;
        if (pushes && Services.Cache.UpstreamOf(Repository) is not null)
            throw new RegistryException(RegistryCode.DENIED, "the repository is another registry's, which is passed on here");
        RepositoryAccess access = await Services.Access.OfAsync(Caller, Repository, Aborted).ConfigureAwait(false);
        if ((access & wanted) == wanted)
            return;
        if (pushes && access == RepositoryAccess.None
            && await Services.Access.MayCreateAsync(Caller, Repository, Aborted).ConfigureAwait(false))
            return;
        if (Caller.AccountId is null)
        {
            Response.Headers.WWWAuthenticate = Services.Callers.ChallengeFor(Http, Repository, wanted);
            throw new RegistryException(RegistryCode.UNAUTHORIZED, "authentication required");
        }
        // Another token of the same account would do: the client is told to ask for it. Whoever may not do it at all is not.
        if (Caller.IsByBearer && await MayByAnotherTokenAsync(wanted).ConfigureAwait(false))
        {
            // The repository may have come into being between the two looks, with another layer of the same push: then this token will do.
            if ((await Services.Access.OfAsync(Caller, Repository, Aborted).ConfigureAwait(false) & wanted) == wanted)
                return;
            Response.Headers.WWWAuthenticate = Services.Callers.ChallengeFor(Http, Repository, wanted);
            throw new RegistryException(RegistryCode.UNAUTHORIZED, "the token is not for this");
        }
        if (pushes || (access & RepositoryAccess.Pull) != 0)
            throw new RegistryException(RegistryCode.DENIED, "requested access to the resource is denied");
        throw UnknownName();
    }

    private async ValueTask<bool> MayByAnotherTokenAsync(RepositoryAccess wanted)
    {
        Caller whole = Caller with { Scopes = Caller.Limits, IsByBearer = false };
        return (await Services.Access.OfAsync(whole, Repository, Aborted).ConfigureAwait(false) & wanted) == wanted
            || ((wanted & RepositoryAccess.Push) != 0
                && await Services.Access.MayCreateAsync(whole, Repository, Aborted).ConfigureAwait(false));
    }

    public RegistryException UnknownName() => new(RegistryCode.NAME_UNKNOWN, "repository name not known to registry");

    /// <summary>Writes JSON with its length, and nothing but headers for HEAD.</summary>
    public async Task WriteJsonAsync(Action<Utf8JsonWriter> write, string contentType)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
            write(json);
        Response.ContentType = contentType;
        Response.ContentLength = buffer.WrittenCount;
        if (!IsHead)
            await Response.Body.WriteAsync(buffer.WrittenMemory, Aborted).ConfigureAwait(false);
    }
}
