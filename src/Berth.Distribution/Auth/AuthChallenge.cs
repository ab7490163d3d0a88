namespace Berth.Distribution;

/// <summary>One challenge of a <c>WWW-Authenticate</c> header: a scheme and its parameters.</summary>
/// <remarks>RFC 9110, 11.6.1. Malformed rests are left out rather than guessed at.</remarks>
internal sealed class AuthChallenge
{
    private const int ParametersMax = 32;
    private readonly Dictionary<string, string> _parameters = new(StringComparer.OrdinalIgnoreCase);

    private AuthChallenge(string scheme) => Scheme = scheme;

    public string Scheme { get; }

    public bool IsBearer => Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase);

    public bool IsBasic => Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase);

    public string? Parameter(string name) => _parameters.GetValueOrDefault(name);

    public static IReadOnlyList<AuthChallenge> Of(HttpResponseMessage response)
    {
        List<AuthChallenge> all = [];
        if (response.Headers.NonValidated.TryGetValues("WWW-Authenticate", out var values))
        {
            foreach (string value in values)
                all.AddRange(Parse(value));
        }
        return all;
    }

    /// <summary>Every challenge of one header line; never throws.</summary>
    public static IReadOnlyList<AuthChallenge> Parse(string header)
    {
        List<AuthChallenge> all = [];
        int at = 0;
        while (true)
        {
            SkipSeparators(header, ref at);
            string word = Token(header, ref at);
            if (word.Length == 0)
                return all;
            int afterWord = at;
            SkipSpaces(header, ref at);
            if (at < header.Length && header[at] == '=' && all.Count > 0)
            {
                at++;
                SkipSpaces(header, ref at);
                if (Value(header, ref at) is not { } value || all[^1]._parameters.Count >= ParametersMax)
                    return all;
                all[^1]._parameters.TryAdd(word, value);
            }
            else
            {
                at = afterWord;
                if (all.Count >= ParametersMax || (at < header.Length && header[at] is not (' ' or '\t' or ',')))
                    return all;
                all.Add(new AuthChallenge(word));
            }
        }
    }

    private static string? Value(string header, ref int at)
    {
        if (at >= header.Length || header[at] != '"')
            return Token(header, ref at);
        System.Text.StringBuilder value = new();
        for (at++; at < header.Length; at++)
        {
            char c = header[at];
            if (c == '"')
            {
                at++;
                return value.ToString();
            }
            if (c == '\\' && ++at >= header.Length)
                return null;
            value.Append(header[at]);
        }
        return null;
    }

    private static string Token(string header, ref int at)
    {
        int start = at;
        while (at < header.Length && (char.IsAsciiLetterOrDigit(header[at]) || "!#$%&'*+-.^_`|~:/".Contains(header[at])))
            at++;
        return header[start..at];
    }

    private static void SkipSpaces(string header, ref int at)
    {
        while (at < header.Length && (header[at] is ' ' or '\t'))
            at++;
    }

    private static void SkipSeparators(string header, ref int at)
    {
        while (at < header.Length && (header[at] is ' ' or '\t' or ','))
            at++;
    }
}
