using Berth.Dockerfile.Expansion;
using Berth.Faults;

namespace Berth.Dockerfile.Lint;

/// <summary>Finds which variables a word needs: those without a fallback.</summary>
internal static class VariableNames
{
    public static IReadOnlyList<string> Of(string word)
    {
        List<string> names = [];
        try
        {
            new WordExpander().Expand(word, name =>
            {
                if (!word.Contains($"${{{name}:-", StringComparison.Ordinal) && !word.Contains($"${{{name}-", StringComparison.Ordinal))
                    names.Add(name);
                return "";
            });
        }
        catch (FaultException)
        {
            // Malformed words are the builder's to report, with their place.
        }
        return names;
    }
}
