using Berth.Daemon.Endpoints.Builds;
using Berth.Daemon.Endpoints.Containers;
using Berth.Daemon.Endpoints.Daemon;
using Berth.Daemon.Endpoints.Execs;
using Berth.Daemon.Endpoints.Images;
using Berth.Daemon.Endpoints.Networks;
using Berth.Daemon.Endpoints.Volumes;
using Berth.Daemon.Http;

namespace Berth.Daemon.Endpoints;

/// <summary>Every endpoint this daemon has, in one place: routing, tests and the conformance page follow from it.</summary>
internal static class EndpointTable
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ApiEndpoint> All { get; } =
    [
        // Containers
        new("GET", "/containers/json", ListContainers.HandleAsync),
        new("POST", "/containers/create", CreateContainer.HandleAsync),
        new("GET", "/containers/{id*}/json", InspectContainer.HandleAsync),
        new("GET", "/containers/{id}/top", TopContainer.HandleAsync),
        new("GET", "/containers/{id}/logs", ContainerLogs.HandleAsync),
        new("GET", "/containers/{id}/changes", ContainerChanges.HandleAsync),
        new("GET", "/containers/{id}/export", ExportContainer.HandleAsync),
        new("GET", "/containers/{id}/stats", ContainerStats.HandleAsync),
        new("POST", "/containers/{id}/resize", ResizeContainer.HandleAsync),
        new("POST", "/containers/{id}/start", StartContainer.HandleAsync),
        new("POST", "/containers/{id}/stop", StopContainer.HandleAsync),
        new("POST", "/containers/{id}/restart", RestartContainer.HandleAsync),
        new("POST", "/containers/{id}/kill", KillContainer.HandleAsync),
        new("POST", "/containers/{id}/update", UpdateContainer.HandleAsync),
        new("POST", "/containers/{id}/rename", RenameContainer.HandleAsync),
        new("POST", "/containers/{id}/pause", PauseContainer.HandleAsync),
        new("POST", "/containers/{id}/unpause", UnpauseContainer.HandleAsync),
        new("POST", "/containers/{id}/attach", AttachContainer.HandleAsync) { Hijacks = true },
        new("GET", "/containers/{id}/attach/ws", AttachWebSocket.HandleAsync) { Hijacks = true },
        new("POST", "/containers/{id}/wait", WaitContainer.HandleAsync),
        new("DELETE", "/containers/{id*}", RemoveContainer.HandleAsync),
        new("HEAD", "/containers/{id}/archive", StatArchive.HandleAsync),
        new("GET", "/containers/{id}/archive", GetArchive.HandleAsync),
        new("PUT", "/containers/{id}/archive", PutArchive.HandleAsync),
        new("POST", "/containers/prune", PruneContainers.HandleAsync),
        new("POST", "/commit", CommitContainer.HandleAsync),
        // Execs
        new("POST", "/containers/{id}/exec", CreateExec.HandleAsync),
        new("POST", "/exec/{id}/start", StartExec.HandleAsync) { Hijacks = true },
        new("POST", "/exec/{id}/resize", ResizeExec.HandleAsync),
        new("GET", "/exec/{id}/json", InspectExec.HandleAsync),
        // Images
        new("GET", "/images/json", ListImages.HandleAsync),
        new("POST", "/images/create", CreateImage.HandleAsync),
        new("GET", "/images/{name*}/json", InspectImage.HandleAsync),
        new("GET", "/images/{name*}/history", ImageHistory.HandleAsync),
        new("POST", "/images/{name*}/push", PushImage.HandleAsync),
        new("POST", "/images/{name*}/tag", TagImage.HandleAsync),
        new("DELETE", "/images/{name*}", RemoveImage.HandleAsync),
        new("GET", "/images/get", SaveImages.HandleAsync),
        new("GET", "/images/{name*}/get", SaveImages.HandleOneAsync),
        new("POST", "/images/load", LoadImages.HandleAsync),
        new("GET", "/images/search", SearchImages.HandleAsync),
        new("POST", "/images/prune", PruneImages.HandleAsync),
        new("GET", "/distribution/{name*}/json", InspectDistribution.HandleAsync),
        new("GET", "/distribution/{name*}/tags", ListDistributionTags.HandleAsync),
        // Builds
        new("POST", "/build", BuildImage.HandleAsync),
        new("POST", "/session", OpenSession.HandleAsync) { Hijacks = true },
        new("POST", "/grpc", OpenGrpc.HandleAsync) { Hijacks = true },
        new("POST", "/build/prune", PruneBuilds.HandleAsync),
        new("POST", "/build/cancel", CancelBuild.HandleAsync),
        // Networks
        new("GET", "/networks", ListNetworks.HandleAsync),
        new("GET", "/networks/{id}", InspectNetwork.HandleAsync),
        new("POST", "/networks/create", CreateNetwork.HandleAsync),
        new("DELETE", "/networks/{id}", RemoveNetwork.HandleAsync),
        new("POST", "/networks/{id}/connect", ConnectNetwork.HandleAsync),
        new("POST", "/networks/{id}/disconnect", DisconnectNetwork.HandleAsync),
        new("POST", "/networks/prune", PruneNetworks.HandleAsync),
        // Volumes
        new("GET", "/volumes", ListVolumes.HandleAsync),
        new("GET", "/volumes/{name}", InspectVolume.HandleAsync),
        new("POST", "/volumes/create", CreateVolume.HandleAsync),
        new("DELETE", "/volumes/{name}", RemoveVolume.HandleAsync),
        new("POST", "/volumes/prune", PruneVolumes.HandleAsync),
        // Daemon
        new("GET", "/_ping", Ping.HandleAsync),
        new("HEAD", "/_ping", Ping.HandleAsync),
        new("GET", "/version", GetVersion.HandleAsync),
        new("GET", "/info", GetInfo.HandleAsync),
        new("GET", "/system/df", GetDiskUsage.HandleAsync),
        new("GET", "/events", GetEvents.HandleAsync),
        new("POST", "/auth", Login.HandleAsync),
        .. NotOffered.All,
    ];
}
