using System.Globalization;
using System.Text;

namespace Berth.Bench;

/// <summary>Results, as a table of docs/performance.md: ratios first, then medians.</summary>
/// <param name="peers">What is set beside Berth, in the order of the columns.</param>
internal sealed class Table(params string[] peers)
{
    private readonly StringBuilder _text = new(
        $"| work |{string.Concat(peers.Where(IsCompared).Select(peer => $" against {peer} |"))} berth |{string.Concat(peers.Select(peer => $" {peer} |"))}\n"
        + $"|---|{string.Concat(peers.Where(IsCompared).Select(_ => "---|"))}---|{string.Concat(peers.Select(_ => "---|"))}\n");

    /// <summary>Adds a line.</summary>
    /// <param name="work">What was done.</param>
    /// <param name="unit">Of the values.</param>
    /// <param name="values">A median of each, by name; a peer that cannot do it is missing.</param>
    /// <param name="isMoreBetter">Whether the larger value is the better one, as of requests in a second.</param>
    public void Add(string work, string unit, IReadOnlyDictionary<string, double> values, bool isMoreBetter = false)
    {
        IEnumerable<string> cells =
        [
            work, .. peers.Where(IsCompared).Select(peer => Ratio(values, peer, isMoreBetter)),
            .. peers.Prepend("berth").Select(name => Value(values, name, unit)),
        ];
        string line = $"| {string.Join(" | ", cells)} |";
        Console.WriteLine(line);
        _text.AppendLine(line);
    }

    public void Save(string path) => File.WriteAllText(path, _text.ToString());

    public static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[(values.Count / 2) - 1] + values[values.Count / 2]) / 2;
    }

    // The floor is no competitor.
    private static bool IsCompared(string peer) => peer != "floor";

    private static string Ratio(IReadOnlyDictionary<string, double> values, string peer, bool isMoreBetter) =>
        values.TryGetValue(peer, out double other) && values.TryGetValue("berth", out double ours)
            ? string.Create(CultureInfo.InvariantCulture, $"{(isMoreBetter ? ours / other : other / ours):0.0#} ×") : "–";

    private static string Value(IReadOnlyDictionary<string, double> values, string name, string unit) =>
        values.TryGetValue(name, out double value) ? string.Create(CultureInfo.InvariantCulture, $"{value:G4} {unit}") : "–";
}
