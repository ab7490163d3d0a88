using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Protocol.Blobs;
using Berth.Registry.Protocol.Lists;
using Berth.Registry.Protocol.Manifests;
using Berth.Registry.Protocol.Uploads;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Protocol;

/// <summary>
/// Everything beneath <c>/v2</c>: finds out what a request is about and who asks, and gives it to the endpoint that answers it.
/// </summary>
/// <remarks>distribution-spec 1.1, "Endpoints": end-1 to end-14, and docker's catalog.</remarks>
internal sealed partial class RegistryEndpoints(HubServices services)
{
    private static readonly PathString s_root = new("/v2");

    private readonly ILogger _log = services.Loggers.CreateLogger("Berth.Registry.Protocol");

    public bool Owns(HttpContext context) => context.Request.Path.StartsWithSegments(s_root, StringComparison.Ordinal);

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers["Docker-Distribution-Api-Version"] = "registry/2.0";
        // The pages are of the same origin: what somebody pushed must never be their script.
        context.Response.Headers.XContentTypeOptions = "nosniff";
        try
        {
            await DispatchAsync(context).ConfigureAwait(false);
        }
        catch (RegistryException error)
        {
            await ErrorAnswer.WriteAsync(context, error).ConfigureAwait(false);
        }
        catch (FaultException fault)
        {
            if (fault.Kind is FaultKind.Internal)
                Log.Failed(_log, context.Request.Method, context.Request.Path, fault);
            else if (fault.Kind is FaultKind.Unavailable)
                Log.Away(_log, context.Request.Method, context.Request.Path, fault.Message);
            await ErrorAnswer.WriteAsync(context, RegistryException.From(fault)).ConfigureAwait(false);
        }
        catch (BadHttpRequestException exception)
        {
            await ErrorAnswer.WriteAsync(
                context, new RegistryException(RegistryCode.UNSUPPORTED, exception.StatusCode, exception.Message)).ConfigureAwait(false);
        }
        catch (Exception exception) when (context.RequestAborted.IsCancellationRequested
            || exception is ConnectionAbortedException or ConnectionResetException)
        {
            // Nobody is there to hear what went wrong: the client went, or the hub stops. Of that the body may know before the request.
            context.Abort();
        }
        catch (Exception exception)
        {
            Log.Failed(_log, context.Request.Method, context.Request.Path, exception);
            await ErrorAnswer.WriteAsync(context, new RegistryException(RegistryCode.UNKNOWN, "the hub failed; its log says more"))
                .ConfigureAwait(false);
        }
    }

    private async Task DispatchAsync(HttpContext context)
    {
        RegistryPath path = RegistryPath.Parse(context.Request.Path.Value!);
        if (path.Resource == RegistryResource.None)
            throw new RegistryException(RegistryCode.UNSUPPORTED, StatusCodes.Status404NotFound, "there is nothing of the protocol here");
        // Whoever asks for another day must not change, or get, today's.
        if (context.Request.Query.ContainsKey("at")
            && (path.Resource, context.Request.Method) is not (RegistryResource.Manifest, "GET" or "HEAD"))
            throw new RegistryException(RegistryCode.UNSUPPORTED, StatusCodes.Status400BadRequest,
                "at: only a manifest can be read as it was on a day, by GET or HEAD and a tag; what was cannot be changed");
        RepositoryName repository = default;
        if (path.Resource is not (RegistryResource.Root or RegistryResource.Catalog) && !RepositoryName.TryParse(path.Name, out repository))
            throw new RegistryException(RegistryCode.NAME_INVALID, "invalid repository name");
        Caller? caller = await services.Callers.ReadAsync(context, context.RequestAborted).ConfigureAwait(false);
        if (caller is null)
        {
            RepositoryAccess wanted = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)
                ? RepositoryAccess.Pull
                : RepositoryAccess.Pull | RepositoryAccess.Push;
            context.Response.Headers.WWWAuthenticate =
                services.Callers.ChallengeFor(context, repository == default ? null : repository, wanted);
            throw new RegistryException(RegistryCode.UNAUTHORIZED, "authentication required");
        }
        // What an account may see is not for a cache that serves others. By RFC 9111 a request's Authorization suffices for that, but a
        // browser's session is a cookie, and common proxies do not keep to it.
        if (caller.AccountId is not null)
            context.Response.Headers.CacheControl = "private, no-cache";
        await AnswerAsync(path.Resource, new RegistryCall(context, services, caller, repository, path.Reference)).ConfigureAwait(false);
    }

    private static Task AnswerAsync(RegistryResource resource, RegistryCall call) => (resource, call.Request.Method) switch
    {
        (RegistryResource.Root, "GET" or "HEAD") => VersionCheck.AnswerAsync(call),
        (RegistryResource.Catalog, "GET" or "HEAD") => Catalog.AnswerAsync(call),
        (RegistryResource.Tags, "GET" or "HEAD") => TagList.AnswerAsync(call),
        (RegistryResource.Referrers, "GET" or "HEAD") => Referrers.AnswerAsync(call),
        (RegistryResource.Manifest, "GET" or "HEAD") => GetManifest.AnswerAsync(call),
        (RegistryResource.Manifest, "PUT") => PutManifest.AnswerAsync(call),
        (RegistryResource.Manifest, "DELETE") => DeleteManifest.AnswerAsync(call),
        (RegistryResource.Blob, "GET" or "HEAD") => GetBlob.AnswerAsync(call),
        (RegistryResource.Blob, "DELETE") => DeleteBlob.AnswerAsync(call),
        (RegistryResource.Uploads, "POST") => StartUpload.AnswerAsync(call),
        (RegistryResource.Upload, "GET" or "HEAD") => UploadStatus.AnswerAsync(call),
        (RegistryResource.Upload, "PATCH") => AppendChunk.AnswerAsync(call),
        (RegistryResource.Upload, "PUT") => FinishUpload.AnswerAsync(call),
        (RegistryResource.Upload, "DELETE") => CancelUpload.AnswerAsync(call),
        _ => throw Unsupported(resource, call),
    };

    private static RegistryException Unsupported(RegistryResource resource, RegistryCall call)
    {
        call.Response.Headers.Allow = resource switch
        {
            RegistryResource.Manifest => "GET, HEAD, PUT, DELETE",
            RegistryResource.Blob => "GET, HEAD, DELETE",
            RegistryResource.Uploads => "POST",
            RegistryResource.Upload => "GET, HEAD, PATCH, PUT, DELETE",
            _ => "GET, HEAD",
        };
        return new RegistryException(RegistryCode.UNSUPPORTED, $"{call.Request.Method} is not offered here");
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 6001, Level = LogLevel.Error, Message = "{Method} {Path} failed")]
        public static partial void Failed(ILogger logger, string method, PathString path, Exception cause);

        // An upstream, a disk or a database that is away is away for every request: a line each says enough.
        [LoggerMessage(EventId = 6002, Level = LogLevel.Warning, Message = "{Method} {Path} failed: {Problem}")]
        public static partial void Away(ILogger logger, string method, PathString path, string problem);
    }
}
