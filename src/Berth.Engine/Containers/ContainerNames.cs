using System.Security.Cryptography;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>Names of containers: the rule and the made-up ones.</summary>
internal static class ContainerNames
{
    /// <summary>The longest name that is accepted.</summary>
    public const int LengthMax = 255;

    private static readonly string[] s_adjectives =
    [
        "able", "amber", "bold", "brave", "bright", "brisk", "calm", "clever", "cosy", "crisp", "daring", "deep", "eager", "early",
        "fair", "fast", "fine", "fresh", "gentle", "glad", "golden", "grand", "happy", "hardy", "honest", "jolly", "keen", "kind",
        "light", "lively", "loyal", "lucid", "lucky", "merry", "mild", "modest", "neat", "nimble", "noble", "patient", "plain",
        "polite", "proud", "quick", "quiet", "ready", "sharp", "silent", "silver", "smart", "steady", "strong", "sturdy", "sunny",
        "swift", "tidy", "tranquil", "trusty", "vivid", "warm", "wise", "witty", "young", "zealous",
    ];

    private static readonly string[] s_surnames =
    [
        "agnesi", "babbage", "backus", "banach", "bell", "boole", "borg", "bose", "brattain", "cantor", "carson", "cerf", "cray",
        "curie", "darwin", "dijkstra", "einstein", "engelbart", "euler", "faraday", "fermat", "fermi", "feynman", "franklin",
        "galileo", "gauss", "germain", "goldberg", "goodall", "hamilton", "haslett", "hawking", "hopper", "hypatia", "jemison",
        "johnson", "kalam", "kepler", "kilby", "knuth", "kowalevski", "lamarr", "lamport", "leakey", "liskov", "lovelace",
        "maxwell", "mcclintock", "meitner", "mirzakhani", "moser", "napier", "newton", "nightingale", "noether", "pascal",
        "pasteur", "perlman", "ramanujan", "ride", "ritchie", "rubin", "shannon", "sinoussi", "tesla", "thompson", "torvalds",
        "turing", "wescoff", "wiles", "wing", "wozniak", "yalow",
    ];

    /// <summary>Makes up a name that is free.</summary>
    public static string MakeUp(Func<string, bool> isTaken)
    {
        for (int attempt = 0; ; attempt++)
        {
            string name = $"{RandomNumberGenerator.GetItems(s_adjectives, 1)[0]}_{RandomNumberGenerator.GetItems(s_surnames, 1)[0]}";
            if (attempt >= 5)
                name += RandomNumberGenerator.GetInt32(10, 1_000_000);
            if (!isTaken(name))
                return name;
        }
    }

    /// <summary>Takes off the slash that Docker's clients may write in front, and checks the rest.</summary>
    /// <exception cref="FaultException">InvalidArgument, with Docker's text.</exception>
    public static string Parse(string text)
    {
        string name = text.StartsWith('/') ? text[1..] : text;
        bool isValid = name.Length is > 1 and <= LengthMax && char.IsAsciiLetterOrDigit(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');
        return isValid ? name : throw FaultException.Invalid(
            $"Invalid container name ({(text.Length > 300 ? text[..300] + "…" : text)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
    }
}
