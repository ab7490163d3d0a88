using System.Net;
using Berth.Registry.Accounts;
using Berth.Registry.Operation.Serving;

namespace Berth.Registry.Hosting;

/// <summary>How a hub is to run.</summary>
public sealed record HubOptions
{
    /// <summary>Where a hub listens if nobody says otherwise: reachable from its own machine only.</summary>
    public const string DefaultListen = "127.0.0.1:5000";

    /// <summary>Where a hub keeps everything if nobody says otherwise.</summary>
    public const string DefaultDataDirectory = "/var/lib/berth-hub";

    /// <summary>Addresses to listen on; port 0 takes a free one.</summary>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [IPEndPoint.Parse(DefaultListen)];

    /// <summary>Holds blobs and the embedded database.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>A PostgreSQL connection string; null: the embedded database.</summary>
    public string? Database { get; init; }

    /// <summary>Accounts and sign-in.</summary>
    public AccountSettings Accounts { get; init; } = new();

    /// <summary>How the hub is reached and watched.</summary>
    public ServingSettings Serving { get; init; } = new();

    /// <summary>Whoever connects may push and delete, and nobody signs in.</summary>
    public bool AnonymousPush { get; init; }
}
