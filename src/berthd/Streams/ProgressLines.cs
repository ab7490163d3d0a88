using System.Text.Json;
using Berth.Engine;

namespace Berth.Daemon.Streams;

/// <summary>What the domain reports, as the lines that Docker's clients draw.</summary>
internal static class ProgressLines
{
    private const int ShortIdLength = 12;

    /// <summary>The line of a report.</summary>
    public static Wire.ProgressMessage ToWire(ProgressMessage message)
    {
        bool hasNumbers = message.Current > 0 || message.Total > 0;
        return new Wire.ProgressMessage
        {
            Id = message.Id,
            Status = message.Status,
            Stream = message.Stream,
            // Clients that redraw a line look for the field itself, even when it has nothing in it.
            ProgressDetail = hasNumbers
                ? new Wire.ProgressDetail { Current = message.Current, Total = message.Total }
                : message.Id?.Length == ShortIdLength ? new Wire.ProgressDetail() : null,
            Progress = hasNumbers ? Bar(message.Current, message.Total) : null,
            Aux = message.Result is { } result ? ToAux(result) : null,
        };
    }

    private static JsonElement ToAux(ProgressResult result) => result.IsImageId
        ? JsonSerializer.SerializeToElement(
            new Wire.BuildResult { ID = result.Digest.ToString() }, Wire.ApiJson.Wire.BuildResult)
        : JsonSerializer.SerializeToElement(
            new Wire.PushResult { Tag = result.Tag ?? "", Digest = result.Digest.ToString(), Size = result.Size },
            Wire.ApiJson.Wire.PushResult);

    private static string Bar(long current, long total)
    {
        if (total <= 0 || current > total)
            return HumanSize(current);
        int percent = (int)((double)current / total * 50);
        string head = percent < 50 ? new string('=', percent) + ">" + new string(' ', 50 - percent) : new string('=', 50) + ">";
        return $"[{head}]  {HumanSize(current)}/{HumanSize(total)}";
    }

    // go-units' HumanSize: four significant digits, powers of 1000.
    private static string HumanSize(long bytes)
    {
        ReadOnlySpan<string> units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
        double size = bytes;
        int unit = 0;
        while (size >= 1000 && unit < units.Length - 1)
        {
            size /= 1000;
            unit++;
        }
        int digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
        return size.ToString(digits == 0 ? "0" : "0." + new string('#', digits)) + units[unit];
    }
}
