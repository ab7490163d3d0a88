namespace Berth.Registry.Accounts;

/// <summary>A person's account.</summary>
public sealed record UserAccount
{
    /// <summary>The row.</summary>
    public required long Id { get; init; }

    /// <summary>The name, which is the first part of their repositories' names.</summary>
    public required string Name { get; init; }

    /// <summary>The name as they write it; may be empty.</summary>
    public string DisplayName { get; init; } = "";

    /// <summary>The address; may be empty. Shown to its owner and to administrators only.</summary>
    public string Email { get; init; } = "";

    /// <summary>May do everything everywhere.</summary>
    public bool IsAdministrator { get; init; }

    /// <summary>When it was switched off; null while it may sign in.</summary>
    public DateTimeOffset? DisabledAt { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When somebody last signed in with its password or through a provider.</summary>
    public DateTimeOffset? LastSignInAt { get; init; }

    /// <summary>Whether it has a password; those who sign in through a provider may have none.</summary>
    public bool HasPassword { get; init; }
}

/// <summary>What a new user is made of. Only operators make these; strangers' wishes are a <see cref="Registration"/>.</summary>
/// <param name="Name">The name.</param>
/// <param name="Password">The password; null for none.</param>
public sealed record NewUser(string Name, string? Password)
{
    /// <summary>The name as they write it.</summary>
    public string DisplayName { get; init; } = "";

    /// <summary>The address.</summary>
    public string Email { get; init; } = "";

    /// <summary>May do everything everywhere.</summary>
    public bool IsAdministrator { get; init; }
}

/// <summary>What a stranger may say about the account that they want: these fields and no others, so that none can make them more than a
/// user.</summary>
/// <param name="Name">The name.</param>
/// <param name="Password">The password.</param>
/// <param name="DisplayName">The name as they write it.</param>
/// <param name="Email">The address; may be empty.</param>
/// <param name="Invitation">The invitation, where one is needed.</param>
public sealed record Registration(string Name, string Password, string DisplayName, string Email, string? Invitation);
