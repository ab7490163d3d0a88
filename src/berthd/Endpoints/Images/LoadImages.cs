using Berth.Daemon.Http;
using Berth.Daemon.Streams;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 progress; 400.</summary>
internal static class LoadImages
{
    public static Task HandleAsync(ApiCall call)
    {
        bool quiet = call.Query.Flag("quiet", missing: true);
        return ProgressStream.RunAsync(call, progress => call.Engine.Images.LoadAsync(
            call.Http.Request.Body, References.ParsePlatform(call.Query.Text("platform")),
            quiet ? new WithoutBars(progress) : progress, call.Cancelled));
    }

    private sealed class WithoutBars(IProgress<ProgressMessage> inner) : IProgress<ProgressMessage>
    {
        public void Report(ProgressMessage value)
        {
            if (value.Stream is not null)
                inner.Report(value);
        }
    }
}
