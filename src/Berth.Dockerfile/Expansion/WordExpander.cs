using System.Text;
using Berth.Faults;

namespace Berth.Dockerfile.Expansion;

/// <summary>Replaces variables in words and removes quotes, as a Dockerfile's words demand.</summary>
/// <remarks>
/// Dockerfile reference, "Environment replacement": <c>$v ${v} ${v:-w} ${v-w} ${v:+w} ${v+w} ${v:?w} ${v?w}</c>, and of the newer
/// syntax <c>${v#p} ${v##p} ${v%p} ${v%%p} ${v/p/w} ${v//p/w}</c>. Words within are expanded themselves. Touches nothing but its
/// arguments; one instance may be used many times.
/// </remarks>
public sealed class WordExpander(char escape = '\\')
{
    /// <summary>How deep words may be nested.</summary>
    public const int DepthMax = 100;

    /// <summary>The longest result; nested expansion may not grow without end.</summary>
    public const int LengthMax = 16 * 1024 * 1024;

    /// <summary>Quotes are ordinary characters: for heredocs.</summary>
    public bool IgnoreQuotes { get; init; }

    /// <summary>Variables that are not set are left as written instead of becoming empty.</summary>
    public bool KeepUnset { get; init; }

    /// <summary>Called with the name of every variable that was looked for and not set.</summary>
    public Action<string>? OnUnset { get; init; }

    /// <summary>Expands one word; blanks stay in it.</summary>
    /// <param name="word">The word as written.</param>
    /// <param name="lookup">A variable's value, null when it is not set.</param>
    /// <exception cref="FaultException">InvalidArgument: a quote or brace is not closed, or <c>${v:?…}</c> refuses.</exception>
    public string Expand(string word, Func<string, string?> lookup) =>
        word.AsSpan().IndexOfAny("$'\"\\`") < 0 ? word : Run(word, lookup).Text.ToString();

    /// <summary>Expands a text and splits it at blanks that are not quoted.</summary>
    /// <param name="text">The text as written.</param>
    /// <param name="lookup">A variable's value, null when it is not set.</param>
    /// <exception cref="FaultException">As <see cref="Expand"/>.</exception>
    public IReadOnlyList<string> ExpandWords(string text, Func<string, string?> lookup) => Run(text, lookup).FinishWords();

    private Output Run(string word, Func<string, string?> lookup)
    {
        Output output = new();
        try
        {
            Scanner scanner = new(this, escape, word, lookup);
            scanner.Process(output, stop: '\0', rawEscapes: false, depth: 0);
            return output;
        }
        catch (FormatException exception)
        {
            throw FaultException.Invalid($"failed to process {Quote(word)}: {exception.Message}", exception);
        }
    }

    private static string Quote(string word) => $"\"{(word.Length > 200 ? word[..200] + "…" : word)}\"";

    // What was read so far, and where words end when they are wanted.
    internal sealed class Output
    {
        private readonly List<string> _words = [];
        private readonly StringBuilder _word = new();
        private bool _inWord;

        public StringBuilder Text { get; } = new();

        public void Add(char c)
        {
            Text.Append(c);
            if (c is ' ' or '\t' or '\n' or '\r')
            {
                EndWord();
                return;
            }
            _word.Append(c);
            _inWord = true;
        }

        public void AddValue(string value)
        {
            Guard(value.Length);
            foreach (char c in value)
                Add(c);
        }

        public void AddQuoted(ReadOnlySpan<char> value)
        {
            Guard(value.Length);
            Text.Append(value);
            _word.Append(value);
            _inWord = true;
        }

        public IReadOnlyList<string> FinishWords()
        {
            EndWord();
            return _words;
        }

        private void EndWord()
        {
            if (_inWord)
                _words.Add(_word.ToString());
            _word.Clear();
            _inWord = false;
        }

        private void Guard(int more)
        {
            if (Text.Length + more > LengthMax)
                throw new FormatException($"the result is longer than {LengthMax} characters");
        }
    }
}
