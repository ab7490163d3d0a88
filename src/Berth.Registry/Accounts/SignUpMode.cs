namespace Berth.Registry.Accounts;

/// <summary>Who may make an account.</summary>
public enum SignUpMode
{
    /// <summary>Administrators only.</summary>
    Closed,

    /// <summary>Whoever has an invitation.</summary>
    Invited,

    /// <summary>Anybody.</summary>
    Open,
}
