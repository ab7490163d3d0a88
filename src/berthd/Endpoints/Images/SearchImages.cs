using Berth.Daemon.Http;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>501: there is no one hub whose search would be right.</summary>
internal static class SearchImages
{
    public static Task HandleAsync(ApiCall call) => throw new FaultException(
        FaultKind.NotSupported, $"search {call.Query.Text("term")}: this engine does not search registries");
}
