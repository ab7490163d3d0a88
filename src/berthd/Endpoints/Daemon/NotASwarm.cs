using Berth.Daemon.Http;

namespace Berth.Daemon.Endpoints.Daemon;

/// <summary>503 with the text by which tools learn that there is no swarm here.</summary>
internal static class NotASwarm
{
    public const string Message =
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm "
        + "and try again.";

    public static Task HandleAsync(ApiCall call) => throw new FaultException(FaultKind.Unavailable, Message);
}
