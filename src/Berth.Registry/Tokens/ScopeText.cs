using Berth.Registry.Model;

namespace Berth.Registry.Tokens;

/// <summary>One thing that a client asks the token service for: <c>repository:alice/app:pull,push</c>.</summary>
/// <param name="Type">The kind of resource: <c>repository</c> or <c>registry</c>; others are answered with nothing.</param>
/// <param name="Name">Its name, as given.</param>
/// <param name="Actions">What is wanted there, without duplicates.</param>
public sealed record RequestedScope(string Type, string Name, IReadOnlyList<string> Actions)
{
    /// <summary>The flags for the actions of a repository; actions that we do not know count for nothing.</summary>
    public RepositoryAccess Access
    {
        get
        {
            RepositoryAccess access = RepositoryAccess.None;
            foreach (string action in Actions)
                access |= ScopeText.AccessOf(action);
            return access;
        }
    }
}

/// <summary>Reads the <c>scope</c> parameters of a request to the token service, and writes access as actions.</summary>
/// <remarks>Distribution, "Docker Registry Token Authentication: Scope and access", whose grammar is
/// <c>type[(class)]:name:action[,action…]</c>; several are separated by spaces or come as several parameters.</remarks>
public static class ScopeText
{
    /// <summary>Scopes that are read from one request; a client needs two or three, a mount of many sources some more.</summary>
    public const int ScopesMax = 64;

    /// <summary>Characters of one scope: a repository's name and a few words.</summary>
    public const int LengthMax = 512;

    private const int ActionsMax = 16;

    /// <summary>The scopes of a request; false if one breaks the grammar or there are too many.</summary>
    public static bool TryParse(IEnumerable<string?> parameters, out IReadOnlyList<RequestedScope> scopes)
    {
        var read = new List<RequestedScope>();
        scopes = read;
        foreach (string? parameter in parameters)
        {
            if (parameter is null || parameter.Length > LengthMax * ScopesMax)
                return false;
            foreach (Range range in parameter.AsSpan().Split(' '))
            {
                ReadOnlySpan<char> text = parameter.AsSpan(range);
                if (text.IsEmpty)
                    continue;
                if (read.Count == ScopesMax || ParseOne(text) is not { } scope)
                    return false;
                read.Add(scope);
            }
        }
        return true;
    }

    /// <summary>The actions of a repository that an access stands for, in the words of the token protocol.</summary>
    public static IReadOnlyList<string> ActionsOf(RepositoryAccess access)
    {
        var actions = new List<string>(3);
        if (access.HasFlag(RepositoryAccess.Pull))
            actions.Add("pull");
        if (access.HasFlag(RepositoryAccess.Push))
            actions.Add("push");
        if (access.HasFlag(RepositoryAccess.Delete))
            actions.Add("delete");
        return actions;
    }

    /// <summary>What one action means; None for a word that we do not know.</summary>
    public static RepositoryAccess AccessOf(string action) => action switch
    {
        "pull" => RepositoryAccess.Pull,
        "push" => RepositoryAccess.Push,
        "delete" => RepositoryAccess.Delete,
        "*" => RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete,
        _ => RepositoryAccess.None,
    };

    // The name may hold a host with a port, so the type ends at the first colon and the actions begin after the last.
    private static RequestedScope? ParseOne(ReadOnlySpan<char> text)
    {
        int first = text.IndexOf(':');
        int last = text.LastIndexOf(':');
        if (text.Length > LengthMax || first <= 0 || last <= first + 1)
            return null;
        ReadOnlySpan<char> type = text[..first];
        // The class, as in "repository(plugin)", says what is stored there; access does not depend on it.
        if (type.IndexOf('(') is > 0 and var open && type[^1] == ')')
            type = type[..open];
        if (type.ContainsAnyExceptInRange('a', 'z'))
            return null;
        var actions = new List<string>(4);
        foreach (Range range in text[(last + 1)..].Split(','))
        {
            string action = text[(last + 1)..][range].ToString();
            if (action.Length > 0 && action != "*" && action.AsSpan().ContainsAnyExceptInRange('a', 'z'))
                return null;
            if (action.Length > 0 && !actions.Contains(action) && actions.Count < ActionsMax)
                actions.Add(action);
        }
        return new RequestedScope(type.ToString(), text[(first + 1)..last].ToString(), actions);
    }
}
