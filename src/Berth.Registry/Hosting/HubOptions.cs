using System.Net;
using Berth.Registry.Accounts;
using Berth.Registry.Cache;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Storage;

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

    /// <summary>The file with the key that the database's secrets are encrypted with; null: <see cref="DefaultKeyFile"/> in the data
    /// directory.</summary>
    public string? SecretKeyFile { get; init; }

    /// <summary>Where the key is if nobody says otherwise.</summary>
    public const string DefaultKeyFile = "secret.key";

    /// <summary>The path of the file with the key.</summary>
    public string SecretKeyPath => SecretKeyFile ?? Path.Join(DataDirectory, DefaultKeyFile);

    /// <summary>A PostgreSQL connection string; null: the embedded database.</summary>
    public string? Database { get; init; }

    /// <summary>Accounts and sign-in.</summary>
    public AccountSettings Accounts { get; init; } = new();

    /// <summary>How the hub is reached and watched.</summary>
    public ServingSettings Serving { get; init; } = new();

    /// <summary>Registries whose images are passed on and kept.</summary>
    public IReadOnlyList<UpstreamOptions> Upstreams { get; init; } = [];

    /// <summary>A bucket for the blobs; null: files beneath the data directory.</summary>
    public S3Options? S3 { get; init; }

    /// <summary>Whoever connects may push and delete, and nobody signs in.</summary>
    public bool AnonymousPush { get; init; }

    /// <summary>Who may see a repository that a push has made: <c>public</c> or <c>private</c>.</summary>
    public string NewRepositories { get; init; } = "public";

    /// <summary>How long a blob stays that no manifest needs, after it was pushed, mounted or asked for.</summary>
    public TimeSpan UnusedBlobTime { get; init; } = TimeSpan.FromHours(6);

    /// <summary>How long an upload stays that nobody goes on with.</summary>
    public TimeSpan UploadTime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How often garbage is collected.</summary>
    public TimeSpan CollectionInterval { get; init; } = TimeSpan.FromHours(1);
}
