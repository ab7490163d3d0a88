using Berth.Daemon.Http;
using Berth.Daemon.Streams;
using Berth.Engine;
using Berth.Oci.References;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 progress of a pull or an import; 400, 404; 403 where the registry wants a login.</summary>
internal static class CreateImage
{
    public static Task HandleAsync(ApiCall call) => call.Query.Has("fromImage") ? PullAsync(call) : ImportAsync(call);

    private static Task PullAsync(ApiCall call)
    {
        string tag = call.Query.Text("tag");
        ImageReference reference = References.Parse(call.Query.Text("fromImage"), tag);
        return ProgressStream.RunAsync(call, async progress =>
        {
            try
            {
                await call.Engine.Images.PullAsync(
                    reference, allTags: reference is { Tag: null, Digest: null },
                    References.ParsePlatform(call.Query.Text("platform")), RegistryHeaders.Login(call.Http.Request.Headers), progress,
                    call.Cancelled);
            }
            catch (FaultException fault) when (fault.Kind is FaultKind.Unauthorized)
            {
                // At a 401 Docker's clients stop to ask for a user and a password, for which a script would wait for ever.
                throw new FaultException(FaultKind.Forbidden, fault.Message, fault);
            }
        });
    }

    private static Task ImportAsync(ApiCall call)
    {
        string source = call.Query.Text("fromSrc");
        if (source.Length == 0)
            throw FaultException.Invalid("fromImage or fromSrc must be specified");
        var request = new ImportRequest
        {
            Reference = call.Query.TextOrNull("repo") is { } name ? References.Parse(name, call.Query.Text("tag")) : null,
            Message = call.Query.TextOrNull("message"),
            Source = source,
            Changes = call.Query.All("changes"),
            Platform = References.ParsePlatform(call.Query.Text("platform")),
        };
        return ProgressStream.RunAsync(call, async progress =>
        {
            await using Stream? remote = source == "-" ? null : await OpenAsync(call, source, progress);
            var image = await call.Engine.Images.ImportAsync(request, remote ?? call.Http.Request.Body, call.Cancelled);
            progress.Report(new ProgressMessage { Status = image.ToString() });
        });
    }

    // Without a scheme Docker takes it for a host's name.
    private static async Task<Stream> OpenAsync(ApiCall call, string source, IProgress<ProgressMessage> progress)
    {
        string url = source.Contains("://", StringComparison.Ordinal) ? source : $"http://{source}";
        Stream remote = await call.Engine.Images.OpenRemoteAsync(url, call.Cancelled);
        progress.Report(new ProgressMessage { Status = $"Downloading from {url}" });
        return remote;
    }
}
