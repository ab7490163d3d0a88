using Berth.Registry.Model;

namespace Berth.Registry.Tokens;

/// <summary>What tokens are narrowed to, as text: <c>alice/app:pull,push</c>, several separated by spaces.</summary>
public static class TokenScopes
{
    /// <summary>Scopes of one token.</summary>
    public const int Max = 50;

    private const string Administer = "administer";

    /// <summary>Reads scopes as people write them.</summary>
    /// <exception cref="FaultException">InvalidArgument: one is not <c>PATTERN:ACTION,…</c>.</exception>
    public static IReadOnlyList<TokenScope> Parse(IEnumerable<string> texts)
    {
        TokenScope[] scopes = [.. texts.SelectMany(text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(ParseOne)];
        return scopes.Length is > 0 and <= Max ? scopes : throw FaultException.Invalid($"token scopes: 1 to {Max} are allowed");
    }

    /// <summary>Reads one scope: <c>alice/*:pull</c>.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is not of that form.</exception>
    public static TokenScope ParseOne(string text)
    {
        int colon = text.LastIndexOf(':');
        string pattern = colon > 0 ? text[..colon] : "";
        RepositoryAccess access = RepositoryAccess.None;
        foreach (string action in colon > 0 ? text[(colon + 1)..].Split(',') : [])
        {
            RepositoryAccess one = action == Administer ? RepositoryAccess.Administer : ScopeText.AccessOf(action);
            if (one is RepositoryAccess.None)
                throw FaultException.Invalid($"token scope {Clip(text)}: pull, push, delete, administer or * are expected after the colon");
            access |= one;
        }
        if (!IsPattern(pattern) || access is RepositoryAccess.None)
            throw FaultException.Invalid(
                $"token scope {Clip(text)}: it is not REPOSITORY:ACTION,…, as in alice/app:pull or alice/*:pull,push");
        // Who may push must read what is there, or no client could finish a push.
        return new TokenScope(pattern, access | (access.HasFlag(RepositoryAccess.Push) ? RepositoryAccess.Pull : RepositoryAccess.None));
    }

    /// <summary>The text of scopes, which <see cref="Parse"/> reads.</summary>
    public static string Format(IEnumerable<TokenScope> scopes) =>
        string.Join(' ', scopes.Select(scope => $"{scope.Repository}:{Actions(scope.Access)}"));

    /// <summary>What scopes permit with a repository; everything for those that narrow nothing.</summary>
    public static RepositoryAccess Of(IReadOnlyList<TokenScope>? scopes, RepositoryName repository)
    {
        if (scopes is null)
            return RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete | RepositoryAccess.Administer;
        RepositoryAccess access = RepositoryAccess.None;
        foreach (TokenScope scope in scopes)
        {
            if (Matches(scope.Repository, repository.Value))
                access |= scope.Access;
        }
        return access;
    }

    /// <summary>Whether a pattern means a repository: its name, <c>namespace/*</c> or <c>*</c>.</summary>
    public static bool Matches(string pattern, string repository) => pattern == "*" || pattern == repository
        || (pattern.EndsWith("/*", StringComparison.Ordinal)
            && repository.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal));

    private static bool IsPattern(string pattern) => pattern == "*"
        || RepositoryName.TryParse(pattern.EndsWith("/*", StringComparison.Ordinal) ? pattern[..^2] : pattern, out _);

    private static string Actions(RepositoryAccess access) => string.Join(
        ',', access.HasFlag(RepositoryAccess.Administer) ? [.. ScopeText.ActionsOf(access), Administer] : ScopeText.ActionsOf(access));

    private static string Clip(string text) => text.Length > 80 ? text[..80] + "…" : text;
}
