using System.Globalization;
using System.Text;

namespace Berth.Bench;

/// <summary>The results, as the table of docs/performance.md: ratios first, then medians.</summary>
internal sealed class Table
{
    private readonly StringBuilder _text = new("| work | against docker | against podman | berth | docker | podman | floor |\n|---|---|---|---|---|---|---|\n");

    public void Add(string work, string unit, IReadOnlyDictionary<string, double> values)
    {
        string line = $"| {work} | {Ratio(values, "docker")} | {Ratio(values, "podman")} | {Value(values, "berth", unit)} | "
            + $"{Value(values, "docker", unit)} | {Value(values, "podman", unit)} | {Value(values, "floor", unit)} |";
        Console.WriteLine(line);
        _text.AppendLine(line);
    }

    public void Save(string path) => File.WriteAllText(path, _text.ToString());

    public static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[(values.Count / 2) - 1] + values[values.Count / 2]) / 2;
    }

    private static string Ratio(IReadOnlyDictionary<string, double> values, string peer) =>
        values.TryGetValue(peer, out double other) && values.TryGetValue("berth", out double ours)
            ? string.Create(CultureInfo.InvariantCulture, $"{other / ours:F1} ×") : "–";

    private static string Value(IReadOnlyDictionary<string, double> values, string name, string unit) =>
        values.TryGetValue(name, out double value) ? string.Create(CultureInfo.InvariantCulture, $"{value:G4} {unit}") : "–";
}
