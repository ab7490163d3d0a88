using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Daemon.Streams;
using Berth.Engine;
using Berth.Oci.References;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Builds;

/// <summary>200 progress; 400.</summary>
internal static class BuildImage
{
    public static Task HandleAsync(ApiCall call)
    {
        BuildSettings settings = BuildQuery.Read(call);
        if (BuildQuery.IsForSession(call.Query))
            return BuildWithSession.HandleAsync(call, settings);
        return ProgressStream.RunAsync(call, async progress =>
        {
            try
            {
                await call.Engine.Builds.BuildAsync(settings, call.Http.Request.Body, progress, call.Cancelled);
            }
            catch (FaultException fault) when (progress.HasReported)
            {
                progress.Fail(fault.Message, BuildQuery.StepExitCode(fault.Message));
            }
        });
    }
}
