using System.Text;
using Berth.Dockerfile.Ignore;

namespace Berth.Dockerfile.Expansion;

/// <summary>The pattern forms of variables: <c># ## % %% / //</c>.</summary>
internal static class ShellPattern
{
    public static string TrimPrefix(string value, bool greedy, string pattern)
    {
        WildcardAutomaton automaton = WildcardAutomaton.ForShell(pattern);
        int length = automaton.PrefixLength(value, greedy);
        return length < 0 ? value : value[length..];
    }

    public static string TrimSuffix(string value, bool greedy, string pattern)
    {
        WildcardAutomaton automaton = WildcardAutomaton.ForShell(pattern);
        // The shortest suffix begins last: try from the side that is wanted first.
        for (int step = 0; step <= value.Length; step++)
        {
            int start = greedy ? step : value.Length - step;
            if (automaton.IsMatch(value.AsSpan(start)))
                return value[..start];
        }
        return value;
    }

    public static string Replace(string value, string pattern, string replacement, bool all)
    {
        WildcardAutomaton automaton = WildcardAutomaton.ForShell(pattern);
        StringBuilder result = new();
        int at = 0;
        while (at < value.Length)
        {
            int length = automaton.PrefixLength(value.AsSpan(at), greedy: true);
            if (length <= 0)
            {
                result.Append(value[at++]);
                continue;
            }
            result.Append(replacement);
            at += length;
            if (!all)
                break;
        }
        return result.Append(value.AsSpan(at)).ToString();
    }
}
