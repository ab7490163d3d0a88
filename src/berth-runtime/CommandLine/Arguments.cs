using System.Globalization;

namespace Berth.RuntimeProgram.CommandLine;

/// <summary>Options and arguments of one command as they were given. One dash or two, value after <c>=</c> or a space, as runc takes
/// them.</summary>
internal sealed class Arguments
{
    private readonly List<(string Name, string Value)> _options = [];

    /// <summary>What is not an option.</summary>
    public List<string> Positional { get; } = [];

    /// <summary>Reads a command line.</summary>
    /// <param name="options">Those the command has.</param>
    /// <param name="words">The words.</param>
    /// <param name="stopsAtFirst">What follows the first argument is not ours: it is another program's.</param>
    /// <param name="consumed">How many words were read.</param>
    /// <exception cref="UsageException">An option that does not exist or lacks its value.</exception>
    public static Arguments Parse(IReadOnlyList<Option> options, ReadOnlySpan<string> words, bool stopsAtFirst, out int consumed)
    {
        Arguments arguments = new();
        consumed = 0;
        while (consumed < words.Length)
        {
            string word = words[consumed];
            if (word is not ['-', _, ..])
            {
                if (stopsAtFirst)
                    break;
                arguments.Positional.Add(word);
                consumed++;
            }
            else if (word == "--")
            {
                consumed++;
                break;
            }
            else
                arguments.Take(options, words, ref consumed);
        }
        return arguments;
    }

    private void Take(IReadOnlyList<Option> options, ReadOnlySpan<string> words, ref int index)
    {
        string text = words[index].TrimStart('-');
        int equals = text.IndexOf('=');
        string name = equals < 0 ? text : text[..equals];
        Option option = options.FirstOrDefault(option => option.Name == name || option.Alias == name)
            ?? throw new UsageException($"flag provided but not defined: -{name}");
        index++;
        if (equals >= 0)
            _options.Add((option.Name, text[(equals + 1)..]));
        else if (!option.TakesValue)
            _options.Add((option.Name, "true"));
        else if (index < words.Length)
            _options.Add((option.Name, words[index++]));
        else
            throw new UsageException($"flag needs an argument: -{name}");
    }

    /// <summary>The last value of an option, or null.</summary>
    public string? Value(string name) => _options.LastOrDefault(option => option.Name == name).Value;

    /// <summary>All values of an option.</summary>
    public List<string> Values(string name) => [.. _options.Where(option => option.Name == name).Select(static option => option.Value)];

    /// <summary>True when an option is present and not <c>=false</c>.</summary>
    /// <exception cref="UsageException">Neither true nor false.</exception>
    public bool Has(string name) => Value(name) switch
    {
        null or "false" or "0" or "f" => false,
        "true" or "1" or "t" => true,
        string other => throw new UsageException($"invalid boolean value \"{other}\" for -{name}"),
    };

    /// <summary>The number of an option, or null.</summary>
    /// <exception cref="UsageException">Not a number.</exception>
    public long? Number(string name) => Value(name) is not { } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number
        : throw new UsageException($"invalid value \"{text}\" for flag -{name}: not a number");
}
