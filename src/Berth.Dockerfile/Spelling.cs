namespace Berth.Dockerfile;

/// <summary>Finds what a misspelt word was meant to be.</summary>
public static class Spelling
{
    private const int LengthMax = 64;

    /// <summary><c> (did you mean X?)</c>, or nothing when no candidate is near.</summary>
    public static string Suggest(string word, IEnumerable<string> candidates) =>
        Nearest(word, candidates) is { } nearest ? $" (did you mean {nearest}?)" : "";

    /// <summary>The candidate that differs by one or two slips; null when none does.</summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        if (word.Length is 0 or > LengthMax)
            return null;
        int allowed = word.Length <= 3 ? 1 : 2;
        (string? best, int distance) = (null, allowed + 1);
        foreach (string candidate in candidates)
        {
            int slips = Distance(word.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (slips < distance)
                (best, distance) = (candidate, slips);
        }
        return best;
    }

    // Optimal string alignment: insertion, deletion, replacement and transposition count one each.
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > 2)
            return int.MaxValue;
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            cost[i, 0] = i;
        for (int j = 0; j <= b.Length; j++)
            cost[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int change = a[i - 1] == b[j - 1] ? 0 : 1;
                cost[i, j] = Math.Min(Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1, cost[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }
        return cost[a.Length, b.Length];
    }
}
