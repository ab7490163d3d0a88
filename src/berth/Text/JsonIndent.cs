using System.Text;

namespace Berth.Cli.Text;

/// <summary>Lays JSON out over lines without touching its values: what the engine wrote is what the user reads.</summary>
/// <remarks>Go's <c>json.Indent</c>, with four blanks unless told otherwise: empty objects and arrays stay on one line.</remarks>
internal static class JsonIndent
{
    public static string Apply(string json, int depth = 0, string indent = "    ")
    {
        StringBuilder output = new(json.Length * 2);
        bool quoted = false;
        for (int i = 0; i < json.Length; i++)
        {
            char c = json[i];
            if (quoted || c == '"')
            {
                output.Append(c);
                if (c == '\\' && i + 1 < json.Length)
                    output.Append(json[++i]);
                else if (c == '"')
                    quoted = !quoted;
                continue;
            }
            switch (c)
            {
                case '{' or '[':
                    int next = i + 1;
                    while (next < json.Length && char.IsWhiteSpace(json[next]))
                        next++;
                    if (next < json.Length && json[next] is '}' or ']')
                    {
                        output.Append(c).Append(json[next]);
                        i = next;
                        break;
                    }
                    output.Append(c);
                    NewLine(output, ++depth, indent);
                    break;
                case '}' or ']':
                    NewLine(output, --depth, indent);
                    output.Append(c);
                    break;
                case ',':
                    output.Append(c);
                    NewLine(output, depth, indent);
                    break;
                case ':':
                    output.Append(": ");
                    break;
                default:
                    if (!char.IsWhiteSpace(c))
                        output.Append(c);
                    break;
            }
        }
        return output.ToString();
    }

    private static void NewLine(StringBuilder output, int depth, string indent)
    {
        output.Append('\n');
        for (int i = 0; i < depth; i++)
            output.Append(indent);
    }
}
