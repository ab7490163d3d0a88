using System.Text;
using Berth.Cli.Parsing;
using Berth.Cli.Text;

namespace Berth.Cli.Templates;

/// <summary>Prints lists as Docker does: a table, a table of one's own, JSON lines, or a template for each row.</summary>
internal static class Listing
{
    private const string ParsingError = "template parsing error";

    /// <param name="session">Where to print.</param>
    /// <param name="format">The user's <c>--format</c>; empty for the default table.</param>
    /// <param name="table">The default table's template, without the word table.</param>
    /// <param name="headers">The heading of each field.</param>
    /// <param name="rows">The objects.</param>
    /// <param name="raw">What <c>--format raw</c> stands for; empty where Docker knows no such format.</param>
    /// <param name="isTried">True for containers, whose template Docker's client tries in advance and tells of in other words.</param>
    public static void Print(
        Session session, string format, string table, IReadOnlyDictionary<string, string> headers, IEnumerable<IFields> rows,
        string raw = "", bool isTried = false)
    {
        string text = format.Replace("\\t", "\t", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal);
        bool isTable = text.Length == 0 || text.StartsWith("table", StringComparison.Ordinal);
        if (isTable)
        {
            string own = text.Length == 0 ? "" : text[5..].Trim(' ');
            text = own.Length == 0 ? table : own;
        }
        else if (text == "json")
            text = "{{json .}}";
        else if (text == "raw" && raw.Length > 0)
            text = raw;
        try
        {
            Template template = Compile(text, isTried ? "failed to parse template" : ParsingError);
            if (isTable)
                Table(session, template, headers, rows);
            else
                Lines(session, template, rows);
        }
        catch (TemplateException e)
        {
            throw new CommandException($"{(isTried ? "failed to execute template" : ParsingError)}: {e.Message}");
        }
    }

    private static Template Compile(string text, string failure)
    {
        try
        {
            return new Template(text);
        }
        catch (TemplateException e)
        {
            throw new CommandException($"{failure}: {e.Message}");
        }
    }

    /// <summary>A template for one object.</summary>
    /// <exception cref="CommandException">Not a template.</exception>
    public static Template Parse(string text, int exitCode = 64)
    {
        try
        {
            return new Template(text);
        }
        catch (TemplateException e)
        {
            throw new CommandException($"{ParsingError}: {e.Message}", exitCode);
        }
    }

    private static void Table(
        Session session, Template template, IReadOnlyDictionary<string, string> headers, IEnumerable<IFields> rows)
    {
        TabWriter table = TabWriter.ForTable();
        Dictionary<string, object?> heading = headers.ToDictionary(static h => h.Key, static h => (object?)h.Value);
        table.Line(template.Run(new HeaderFields(heading), new Functions(isHeader: true)));
        Functions functions = new();
        foreach (IFields row in rows)
        {
            foreach (string line in template.Run(row, functions).Split('\n'))
                table.Line(line);
        }
        session.Print(table.ToString());
    }

    private static void Lines(Session session, Template template, IEnumerable<IFields> rows)
    {
        StringBuilder output = new();
        Functions functions = new();
        foreach (IFields row in rows)
            output.Append(template.Run(row, functions)).Append('\n');
        session.Print(output.ToString());
    }

    private sealed class HeaderFields(Dictionary<string, object?> headings) : IFields
    {
        public string TypeName => "map[string]string";

        public IEnumerable<KeyValuePair<string, object?>> All => headings;

        public bool TryGet(string name, out object? value)
        {
            // A field without a heading is Go's zero: printed as <no value>, and false in a condition.
            headings.TryGetValue(name, out value);
            return true;
        }

        public bool TryCall(string name, IReadOnlyList<object?> arguments, out object? value)
        {
            // As Docker: the last part of a label's name, in words.
            value = arguments is [string key] ? key[(key.LastIndexOf('.') + 1)..].Replace('-', ' ').Replace('_', ' ') : "";
            return name == "Label";
        }
    }
}
