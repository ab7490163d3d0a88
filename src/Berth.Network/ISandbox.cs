using Berth.Linux;

namespace Berth.Network;

/// <summary>One container's network namespace as the engine sees it.</summary>
/// <remarks>
/// Made by <see cref="INetworks.CreateSandbox"/> before the container, disposed by the engine after the container's last process
/// has ended (or when the container could not be made). Disposing releases addresses, names and published ports of all endpoints
/// that are still connected and returns in well under a millisecond: the namespace itself, with its links, is taken down by the
/// kernel in the background once nobody uses it.
/// </remarks>
public interface ISandbox : IAsyncDisposable
{
    /// <summary>The container's full ID.</summary>
    string ContainerId { get; }

    /// <summary>The namespace, for <c>setns</c>; loopback is up. Owned by the sandbox.</summary>
    FileDescriptor Namespace { get; }

    /// <summary>What it is connected to now, in the order of connecting.</summary>
    IReadOnlyList<Endpoint> Endpoints { get; }
}
