using System.Globalization;
using Berth.Cli.Text;

namespace Berth.Cli.Parsing;

/// <summary>A command line taken apart: the options that were given and the arguments.</summary>
internal sealed class ParsedCommand(Command command, string path)
{
    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);

    public Command Command => command;

    /// <summary>The command as it was typed, with the program's name: <c>berth container run</c>.</summary>
    public string Path => path;

    public List<string> Arguments { get; } = [];

    public bool HelpRequested { get; set; }

    /// <summary>True if the option stood on the command line, whatever its value.</summary>
    public bool Has(string name) => _values.ContainsKey(name);

    public bool Bool(string name) => _values.TryGetValue(name, out List<string>? v)
        ? GoValue.ParseBool(v[^1]) : command.Find(name)?.Default == "true";

    public string String(string name) => _values.TryGetValue(name, out List<string>? v) ? v[^1] : Default(name);

    public IReadOnlyList<string> List(string name) => _values.TryGetValue(name, out List<string>? v) ? v : [];

    public long Int(string name) => long.Parse(Or(String(name), "0"), CultureInfo.InvariantCulture);

    /// <summary>A size in bytes, 0 if not given.</summary>
    public long Bytes(string name) => String(name) is { Length: > 0 } text ? GoValue.ParseBytes(text) : 0;

    /// <summary>A duration in nanoseconds, 0 if not given.</summary>
    public long Duration(string name) => String(name) is { Length: > 0 } text ? GoValue.ParseDuration(text) : 0;

    internal void Add(Flag flag, string value)
    {
        if (!_values.TryGetValue(flag.Name, out List<string>? values))
            _values[flag.Name] = values = [];
        if (flag.Type == "strings")
            values.AddRange(Csv.Split(value));
        else
            values.Add(value);
    }

    private string Default(string name)
    {
        Flag? flag = command.Find(name);
        return flag is null || flag.IsRepeatable ? "" : flag.Default;
    }

    private static string Or(string text, string other) => text.Length == 0 ? other : text;
}
