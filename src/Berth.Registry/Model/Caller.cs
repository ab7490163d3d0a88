namespace Berth.Registry.Model;

/// <summary>Who asks: an account, or anybody.</summary>
public sealed record Caller
{
    /// <summary>Somebody who gave no credentials.</summary>
    public static Caller Anonymous { get; } = new();

    /// <summary>The account's row; null for the anonymous.</summary>
    public long? AccountId { get; init; }

    /// <summary>The account's name; null for the anonymous.</summary>
    public string? Name { get; init; }

    /// <summary>May do everything everywhere.</summary>
    public bool IsAdministrator { get; init; }

    /// <summary>The personal or robot token that was used, if one was.</summary>
    public long? TokenId { get; init; }

    /// <summary>What the token is narrowed to; null: not narrowed by a token.</summary>
    public IReadOnlyList<TokenScope>? Scopes { get; init; }

    /// <summary>Whether a bearer token was used: <see cref="Scopes"/> are what this one carries, another may carry more.</summary>
    public bool IsByBearer { get; init; }

    /// <summary>The most that another bearer token of the same credentials could carry; null: all that the account may do.</summary>
    public IReadOnlyList<TokenScope>? Limits { get; init; }

    /// <summary>The mark of the htpasswd file's entry whose password was proven: sessions that it opens end with it. Null for every other
    /// proof.</summary>
    public string? HtpasswdMark { get; init; }

    /// <summary>Where the request came from, for the audit log and for limits.</summary>
    public string? RemoteAddress { get; init; }
}
