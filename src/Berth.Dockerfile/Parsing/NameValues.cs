using Berth.Dockerfile.Instructions;

namespace Berth.Dockerfile.Parsing;

/// <summary>Reads <c>name=value …</c> and the old form <c>name value</c>.</summary>
internal static class NameValues
{
    public static IReadOnlyList<NameValue>? Read(InstructionReader reader)
    {
        List<string> words = Words.SplitQuoted(reader.Arguments, reader.Escape);
        if (words.Count == 0)
        {
            reader.Fail($"{reader.Name} requires at least one argument");
            return null;
        }
        if (!words[0].Contains('='))
            return ReadOldForm(reader, words[0]);
        List<NameValue> pairs = [];
        foreach (string word in words)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                reader.Fail($"Syntax error - can't find = in \"{word}\". Must be of the form: name=value");
                return null;
            }
            if (equals == 0)
            {
                reader.Fail($"{reader.Name} names can not be blank");
                return null;
            }
            pairs.Add(new NameValue(word[..equals], word[(equals + 1)..]));
        }
        return pairs;
    }

    private static IReadOnlyList<NameValue>? ReadOldForm(InstructionReader reader, string name)
    {
        string rest = reader.Arguments[name.Length..].Trim();
        if (rest.Length == 0)
        {
            reader.Fail($"{reader.Name} must have two arguments");
            return null;
        }
        reader.Diagnostics.Warn(reader.Range, "LegacyKeyValueFormat",
            $"\"{reader.Name} key=value\" should be used instead of legacy \"{reader.Name} key value\" format");
        return [new NameValue(name, rest)];
    }
}
