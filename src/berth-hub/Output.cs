using System.Text;

namespace Berth.Hub;

/// <summary>What verbs print.</summary>
internal static class Output
{
    private const int SecretLengthMax = 10_000;

    /// <summary>Prints rows under headings, each column as wide as its widest cell.</summary>
    public static void Table(IReadOnlyList<string> headings, IEnumerable<IReadOnlyList<string>> rows)
    {
        IReadOnlyList<string>[] all = [headings, .. rows];
        int[] widths = [.. headings.Select((_, i) => all.Max(row => row[i].Length))];
        foreach (IReadOnlyList<string> row in all)
        {
            var line = new StringBuilder();
            for (int i = 0; i < row.Count; i++)
                line.Append(Printable(row[i]).PadRight(widths[i] + 3));
            Console.WriteLine(line.ToString().TrimEnd());
        }
    }

    /// <summary>A moment as people read it; a dash for never.</summary>
    public static string Time(DateTimeOffset? time) => time is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'") : "-";

    /// <summary>The first line of standard input.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is none.</exception>
    public static async Task<string> ReadSecretAsync(CancellationToken cancellationToken)
    {
        string? line = await Console.In.ReadLineAsync(cancellationToken);
        return line is { Length: > 0 and <= SecretLengthMax } ? line : throw FaultException.Invalid("--password-stdin: no password came");
    }

    /// <summary>A text without what steers a terminal.</summary>
    // Names at providers and in logs are strangers' texts: they must not steer the terminal.
    public static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)) : text;
}
