namespace Berth.Registry.Accounts;

/// <summary>What an operator changes of a user; null: left as it is.</summary>
public sealed record UserChange
{
    /// <summary>The name that people read.</summary>
    public string? DisplayName { get; init; }

    /// <summary>An address, or the empty text.</summary>
    public string? Email { get; init; }

    /// <summary>Whether they administer the hub.</summary>
    public bool? IsAdministrator { get; init; }

    /// <summary>Whether the account is switched off.</summary>
    public bool? IsDisabled { get; init; }
}
