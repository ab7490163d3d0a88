using System.CommandLine;
using Berth.Registry.Audit;
using Berth.Registry.Hosting;

namespace Berth.Hub;

/// <summary><c>berth-hub audit</c>: who changed what, when, and from where.</summary>
internal static class AuditCommand
{
    private static readonly Option<string?> s_subject = new(
        "--subject") { Description = "Changes to one user, organisation or repository" };
    private static readonly Option<string?> s_action = new("--action") { Description = "One kind of change, as in token.create" };
    private static readonly Option<int> s_count = new("--count", "-n") { Description = "At most this many", DefaultValueFactory = _ => 50 };

    public static Command Create() => HubLocation.Verb("audit", "Show the audit log, newest first", RunAsync, s_subject, s_action, s_count);

    private static async Task RunAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        var filter = new AuditFilter { Subject = parsed.GetValue(s_subject), Action = parsed.GetValue(s_action) };
        List<AuditEntry> entries = await services.Accounts.Audit.ListAsync(filter, null, parsed.GetValue(s_count), cancellationToken);
        Output.Table(["TIME", "WHO", "FROM", "ACTION", "SUBJECT", "DETAILS"], entries.Select(entry => (IReadOnlyList<string>)
            [Output.Time(entry.At), entry.Actor, entry.Address.Length > 0 ? entry.Address
                : "-", entry.Action, entry.Subject, entry.Details]));
    }
}
