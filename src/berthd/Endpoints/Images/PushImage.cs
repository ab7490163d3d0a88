using Berth.Daemon.Http;
using Berth.Daemon.Streams;
using Berth.Oci.References;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 progress; 400, 404.</summary>
internal static class PushImage
{
    public static Task HandleAsync(ApiCall call)
    {
        ImageReference reference = References.Parse(call.Id, call.Query.Text("tag"));
        return ProgressStream.RunAsync(call, progress => call.Engine.Images.PushAsync(
            reference, allTags: reference is { Tag: null, Digest: null },
            References.ParsePlatform(call.Query.Text("platform")), RegistryHeaders.Login(call.Http.Request.Headers), progress,
            call.Cancelled));
    }
}
