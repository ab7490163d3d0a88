using System.Text.RegularExpressions;
using Berth.BuildKit.Control;
using Berth.BuildKit.Protocol;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Berth.BuildKit.History;

/// <summary>What is written of a build: without credentials, and cut to a size.</summary>
internal static partial class HistoryRecords
{
    private const int ErrorLengthMax = 16 * 1024;
    private const int AttributesBytesMax = 96 * 1024;

    /// <summary>A build that begins.</summary>
    public static BuildHistoryRecord Begin(SolveRequest request, DateTimeOffset now)
    {
        BuildHistoryRecord record = new()
        {
            Ref = request.Ref, Frontend = request.Frontend, CreatedAt = Timestamp.FromDateTimeOffset(now),
        };
        Describe(record.FrontendAttrs, request.FrontendAttrs);
        IEnumerable<Exporter> exporters = request.Exporters.Count > 0 || request.ExporterDeprecated.Length == 0 ? request.Exporters
            : [new Exporter { Type = request.ExporterDeprecated, Attrs = { request.ExporterAttrsDeprecated } }];
        foreach (Exporter exporter in exporters)
        {
            Exporter shown = new() { Type = exporter.Type };
            Describe(shown.Attrs, exporter.Attrs);
            record.Exporters.Add(shown);
        }
        return record;
    }

    /// <summary>The same when it has ended.</summary>
    /// <param name="begun">What was known.</param>
    /// <param name="job">What its client asked for meanwhile, and what it said.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="response">What its client is told of a success.</param>
    /// <param name="now">When.</param>
    public static BuildHistoryRecord End(
        BuildHistoryRecord begun, BuildJob job, Status outcome, SolveResponse? response, DateTimeOffset now)
    {
        BuildHistoryRecord record = begun.Clone();
        if (record.Frontend.Length == 0 && job.Asked is { } asked)
        {
            record.Frontend = asked.Frontend;
            if (record.FrontendAttrs.Count == 0)
                Describe(record.FrontendAttrs, asked.Attributes);
        }
        record.CompletedAt = Timestamp.FromDateTimeOffset(now);
        record.Generation = 1;
        StepCounts counts = job.Log.Counts;
        (record.NumTotalSteps, record.NumCompletedSteps) = (counts.Total, counts.Completed);
        (record.NumCachedSteps, record.NumWarnings) = (counts.Cached, counts.Warnings);
        if (outcome.StatusCode != StatusCode.OK)
        {
            record.Error = new RpcStatus
            {
                Code = (int)outcome.StatusCode,
                Message = outcome.Detail.Length <= ErrorLengthMax ? outcome.Detail : outcome.Detail[..ErrorLengthMax],
            };
        }
        else if (response is not null)
        {
            Describe(record.ExporterResponse, response.ExporterResponse);
        }
        return record;
    }

    // A context may be an address with the password that it needs. Of more than there is room for, the longest is what nobody reads.
    private static void Describe(IDictionary<string, string> shown, IEnumerable<KeyValuePair<string, string>> said)
    {
        int bytes = 0;
        foreach ((string name, string value) in said.OrderBy(pair => pair.Key.Length + pair.Value.Length).ThenBy(pair => pair.Key))
        {
            bytes += 4 * (name.Length + value.Length);
            if (bytes > AttributesBytesMax)
                return;
            shown[name] = Credentials.Replace(value, static found =>
                found.Groups["password"].Success ? $"{found.Groups["scheme"]}xxxxx:xxxxx@"
                : found.Groups["scheme"].Value.StartsWith("http", StringComparison.OrdinalIgnoreCase)
                    ? $"{found.Groups["scheme"]}xxxxx@" : found.Value);
        }
    }

    [GeneratedRegex(@"(?<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]*://)(?<user>[^/@:\s]*)(?<password>:[^/@\s]*)?@", RegexOptions.NonBacktracking)]
    private static partial Regex Credentials { get; }
}
