using System.Text;
using Berth.Cli.Parsing;

namespace Berth.Cli.Text;

/// <summary>One line of comma separated values with double quotes, as <c>--mount</c> takes it.</summary>
internal static class Csv
{
    /// <exception cref="UsageException">A quote stands inside a bare field or is not closed.</exception>
    public static List<string> Split(string line)
    {
        List<string> fields = [];
        if (line.Length == 0)
            return fields;
        int i = 0;
        while (true)
        {
            StringBuilder field = new();
            if (i < line.Length && line[i] == '"')
            {
                i++;
                while (true)
                {
                    int quote = i < line.Length ? line.IndexOf('"', i) : -1;
                    if (quote < 0)
                        throw new UsageException(
                            "parse error on line 1, column " + (line.Length + 1) + ": extraneous or missing \" in quoted-field");
                    field.Append(line, i, quote - i);
                    i = quote + 1;
                    if (i >= line.Length || line[i] != '"')
                        break;
                    field.Append('"');
                    i++;
                }
                if (i < line.Length && line[i] != ',')
                    throw new UsageException($"parse error on line 1, column {i + 1}: extraneous or missing \" in quoted-field");
            }
            else
            {
                int comma = line.IndexOf(',', i);
                int end = comma < 0 ? line.Length : comma;
                int quote = line.IndexOf('"', i, end - i);
                if (quote >= 0)
                    throw new UsageException($"parse error on line 1, column {quote + 1}: bare \" in non-quoted-field");
                field.Append(line, i, end - i);
                i = end;
            }
            fields.Add(field.ToString());
            if (i >= line.Length)
                return fields;
            i++;
        }
    }
}
