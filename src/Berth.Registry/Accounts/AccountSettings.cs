using Berth.Registry.Accounts.Oidc;

namespace Berth.Registry.Accounts;

/// <summary>How accounts work on a hub.</summary>
public sealed record AccountSettings
{
    /// <summary>The hub's name in tokens and challenges if nobody says otherwise.</summary>
    public const string DefaultService = "berth-hub";

    /// <summary>Who may make an account.</summary>
    public SignUpMode SignUp { get; init; } = SignUpMode.Closed;

    /// <summary>The hub's name in tokens: other hubs' tokens are refused.</summary>
    public string Service { get; init; } = DefaultService;

    /// <summary>Where clients reach the hub; null: where they say they do.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>A file of names and passwords that may sign in, as docker-registry has it; null: none.</summary>
    public string? HtpasswdFile { get; init; }

    /// <summary>A provider whose people may sign in; null: none.</summary>
    public OidcSettings? Oidc { get; init; }
}
