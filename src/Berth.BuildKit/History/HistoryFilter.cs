using System.Globalization;
using System.Text.RegularExpressions;
using Berth.BuildKit.Protocol;
using Berth.Faults;

namespace Berth.BuildKit.History;

/// <summary>Which records a client wants to hear of: one of several lists, each of conditions that must all hold.</summary>
/// <remarks>BuildKit, solver/llbsolver/history/filter.go: <c>ref</c>, <c>status</c> and <c>repository</c> with ==, != and ~=;
/// <c>startedAt</c>, <c>completedAt</c> and <c>duration</c> with &gt;=, &lt;=, &gt; and &lt;, by a time or how long ago.</remarks>
internal sealed partial class HistoryFilter
{
    /// <summary>How many conditions there may be.</summary>
    public const int ConditionsMax = 64;

    private const int PatternLengthMax = 256;
    private readonly List<IReadOnlyList<Func<BuildHistoryRecord, bool>>> _lists = [];

    /// <summary>Reads them.</summary>
    /// <exception cref="FaultException">InvalidArgument: one is none.</exception>
    public static HistoryFilter Parse(IReadOnlyCollection<string> texts, DateTimeOffset now)
    {
        HistoryFilter filter = new();
        int count = 0;
        foreach (string text in texts)
        {
            string[] conditions = [.. Fields(text)];
            if ((count += conditions.Length) > ConditionsMax)
                throw FaultException.Invalid($"failed to parse history filters: more than {ConditionsMax} conditions");
            filter._lists.Add([.. conditions.Select(condition => Condition(condition, now))]);
        }
        return filter;
    }

    /// <summary>Whether a record is wanted.</summary>
    public bool Matches(BuildHistoryRecord record) =>
        _lists.Count == 0 || _lists.Any(list => list.All(condition => condition(record)));

    private static Func<BuildHistoryRecord, bool> Condition(string text, DateTimeOffset now)
    {
        if (Comparison.Match(text) is { Success: true } compared)
            return Compare(compared.Groups["key"].Value, compared.Groups["sign"].Value, compared.Groups["value"].Value, now);
        if (Equality.Match(text) is not { Success: true } found)
            throw FaultException.Invalid($"failed to parse history filters: '{text}' is no condition such as status==error");
        string value = found.Groups["value"].Value;
        if (value is ['"', .., '"'])
            value = value[1..^1];
        Func<BuildHistoryRecord, string> field = Field(found.Groups["key"].Value);
        switch (found.Groups["sign"].Value)
        {
            case "==":
                return record => field(record) == value;
            case "!=":
                return record => field(record) != value;
            default:
                Regex pattern = Pattern(value);
                return record => pattern.IsMatch(field(record));
        }
    }

    private static Regex Pattern(string value)
    {
        try
        {
            return value.Length <= PatternLengthMax ? new Regex(value, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)
                : throw FaultException.Invalid($"failed to parse history filters: a pattern has at most {PatternLengthMax} characters");
        }
        catch (Exception wrong) when (wrong is ArgumentException or NotSupportedException)
        {
            throw FaultException.Invalid($"failed to parse history filters: '{value}' is no pattern: {wrong.Message}", wrong);
        }
    }

    private static Func<BuildHistoryRecord, string> Field(string key) => key switch
    {
        "ref" => static record => record.Ref,
        "status" => static record => record switch
        {
            { CompletedAt: null } => "running",
            { Error: null } => "completed",
            _ => record.Error.Message.Contains("context canceled", StringComparison.Ordinal) ? "canceled" : "error",
        },
        "repository" => static record => record.FrontendAttrs.TryGetValue("vcs:source", out string? source) ? source
            : record.FrontendAttrs.TryGetValue("context", out string? context) ? context.Split('#')[0] : "",
        // As a field that the record does not have.
        _ => static _ => "",
    };

    private static Func<BuildHistoryRecord, bool> Compare(string key, string sign, string value, DateTimeOffset now)
    {
        long wanted = key == "duration"
            ? (Duration(value) ?? throw FaultException.Invalid($"invalid duration {value}")).Ticks
            : (Duration(value) is { } ago ? now - ago
                : DateTimeOffset.TryParse(
                    value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time
                : throw FaultException.Invalid($"invalid time {value}")).ToUnixTimeSeconds();
        Func<BuildHistoryRecord, long> field = key switch
        {
            "startedAt" => static record => record.CreatedAt.Seconds,
            "completedAt" => static record => record.CompletedAt?.Seconds ?? 0,
            _ => static record => record.CompletedAt is null ? 0
                : (record.CompletedAt.ToDateTimeOffset() - record.CreatedAt.ToDateTimeOffset()).Ticks,
        };
        return sign switch
        {
            ">=" => record => field(record) >= wanted,
            "<=" => record => field(record) <= wanted,
            ">" => record => field(record) > wanted,
            _ => record => field(record) < wanted,
        };
    }

    // Go's form: 1h30m, 250ms.
    private static TimeSpan? Duration(string text)
    {
        if (text.Length is 0 or > 32 || !DurationText.IsMatch(text))
            return null;
        double seconds = 0;
        foreach (Match part in DurationPart.Matches(text))
        {
            seconds += double.Parse(part.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * part.Groups[2].Value switch
            {
                "h" => 3600, "m" => 60, "s" => 1, "ms" => 1e-3, "us" or "µs" => 1e-6, _ => 1e-9,
            };
        }
        return seconds < TimeSpan.MaxValue.TotalSeconds / 1e3 ? TimeSpan.FromSeconds(seconds) : null;
    }

    // A line of comma-separated values (RFC 4180).
    private static IEnumerable<string> Fields(string text)
    {
        foreach (Match field in CsvField.Matches(text))
        {
            string value = field.Groups[1].Value;
            if (value is ['"', .., '"'] && value.Length >= 2)
                value = value[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal);
            if (value.Length > 0)
                yield return value;
        }
    }

    [GeneratedRegex(@"^(?<key>startedAt|completedAt|duration)(?<sign>>=|<=|>|<)(?<value>.+)$")]
    private static partial Regex Comparison { get; }

    [GeneratedRegex(@"^(?<key>[A-Za-z]+)(?<sign>==|!=|~=)(?<value>.*)$", RegexOptions.Singleline)]
    private static partial Regex Equality { get; }

    [GeneratedRegex(@"^([0-9]+(\.[0-9]+)?(h|ms|us|µs|ns|m|s))+$")]
    private static partial Regex DurationText { get; }

    [GeneratedRegex(@"([0-9]+(?:\.[0-9]+)?)(h|ms|us|µs|ns|m|s)")]
    private static partial Regex DurationPart { get; }

    [GeneratedRegex("(?:^|,)(\"(?:[^\"]|\"\")*\"|[^,]*)")]
    private static partial Regex CsvField { get; }
}
