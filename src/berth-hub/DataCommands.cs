using System.CommandLine;
using Berth.Registry.Audit;
using Berth.Registry.Collection;
using Berth.Registry.Hosting;
using Berth.Registry.Operation.Backup;
using Berth.Registry.Operation.Import;

namespace Berth.Hub;

/// <summary><c>berth-hub gc</c>, <c>backup</c>, <c>restore</c> and <c>import</c>.</summary>
internal static class DataCommands
{
    private static readonly Option<bool> s_dryRun = new("--dry-run") { Description = "Say what would be removed, and remove nothing" };
    private static readonly Argument<string> s_directory = new("DIR") { Description = "The backup's directory" };
    private static readonly Option<string?> s_key = new("--key")
    {
        Description = "File with the key of the hub that was backed up, if this hub's is another", HelpName = "FILE",
    };
    private static readonly Option<bool> s_replace = new("--replace") { Description = "Write over the backup of another hub" };
    private static readonly Option<bool> s_withoutKey = new("--without-key")
    {
        Description = "Go on without that key: webhooks are left out and named, signing keys are made anew",
    };
    private static readonly Argument<string> s_folder = new("FOLDER") { Description = "The registry's storage folder" };

    private static readonly Option<string> s_visibility = new("--visibility")
    {
        Description = "Who may see repositories that are made: private or public", DefaultValueFactory = _ => "private",
    };

    public static IEnumerable<Command> Create() =>
    [
        HubLocation.Verb("gc", "Remove what nothing needs; a server does so by itself", CollectAsync, s_dryRun),
        HubLocation.Verb("backup", "Copy everything into a directory while the hub serves; later runs copy what is new", BackUpAsync,
            s_directory, s_replace),
        HubLocation.FirstVerb("restore", "Put a backup into an empty hub that does not run, on either database", RestoreAsync, s_directory,
            s_key, s_withoutKey),
        HubLocation.FirstVerb("import", "Take over the storage folder of docker-registry", ImportAsync, s_folder, s_visibility),
    ];

    private static async Task CollectAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(s_dryRun))
        {
            CollectionPlan plan = await CollectionPlan.LookAsync(services, cancellationToken);
            Console.WriteLine($"{plan.Blobs} blobs of {plan.Bytes} bytes would be removed");
            Console.WriteLine($"{plan.Uploads} uploads of {plan.UploadBytes} bytes, which nobody went on with, would be forgotten");
            Console.WriteLine($"{plan.Unnamed} files of {plan.UnnamedBytes} bytes, which no row names, would be removed");
            foreach ((string location, long bytes) in plan.Examples)
                Console.WriteLine($"  {Output.Printable(location)} {bytes}");
            if (plan.Unnamed > plan.Examples.Count)
                Console.WriteLine($"  and {plan.Unnamed - plan.Examples.Count} more");
            TellRefusal(plan.SweepRefusal);
            return;
        }
        CollectionReport report = await services.Collector.RunAsync(cancellationToken);
        await services.Accounts.Audit.RecordCollectionAsync(
            HubLocation.Operator, $"{report.BlobsRemoved} blobs", cancellationToken);
        Console.WriteLine(
            $"{report.BlobsRemoved} blobs removed, {report.BytesFreed} bytes freed, {report.UploadsExpired} uploads forgotten, "
            + $"{report.UnnamedRemoved} files that no row named");
        TellRefusal(report.SweepRefusal);
    }

    private static void TellRefusal(string? refusal)
    {
        if (refusal is not null)
            Console.Error.WriteLine($"Files that no row names were not looked for: {refusal}");
    }

    private static async Task BackUpAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        await services.RequireStorageAsync(cancellationToken);
        BackupReport report = await new HubBackup(services) { Replaces = parsed.GetValue(s_replace) }.RunAsync(
            HubLocation.Operator, Path.GetFullPath(parsed.GetValue(s_directory)!), cancellationToken);
        Console.WriteLine($"{report.Blobs} blobs, of which {report.Copied} were copied now ({report.CopiedBytes} bytes)");
        Console.WriteLine(
            $"Secrets in it are encrypted; the key is not in it: keep a copy of {services.Accounts.Seals.KeyFile} in another place.");
    }

    private static async Task RestoreAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        RestoreReport report = await new HubRestore(services).RunAsync(
            Path.GetFullPath(parsed.GetValue(s_directory)!),
            new RestoreKeys
            {
                KeyFile = parsed.GetValue(s_key) is { } file ? Path.GetFullPath(file) : null, MayLose = parsed.GetValue(s_withoutKey),
            }, cancellationToken);
        foreach (LostWebhook webhook in report.WebhooksLost)
            Console.Error.WriteLine($"webhook left out: {webhook.Repository} {Output.Printable(webhook.Url)} {webhook.Events}");
        if (report.WebhooksLost.Count > 0)
            Console.Error.WriteLine("Make them again with \"berth-hub webhook add\": each gets a new secret, which its receiver needs.");
        Console.WriteLine($"{report.Blobs} blobs restored");
    }

    private static async Task ImportAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        string visibility = parsed.GetValue(s_visibility)!;
        if (visibility is not ("private" or "public"))
            throw FaultException.Invalid($"--visibility {visibility}: private or public is expected");
        await services.RequireStorageAsync(cancellationToken);
        ImportReport report = await new RegistryImport(services).RunAsync(
            HubLocation.Operator, Path.GetFullPath(parsed.GetValue(s_folder)!), visibility, cancellationToken);
        foreach (string skipped in report.Skipped)
            Console.Error.WriteLine($"skipped {skipped}");
        Console.WriteLine(
            $"{report.Repositories} repositories, {report.Manifests} new manifests, {report.Tags} tags, {report.Blobs} new blobs");
        if (report.Skipped.Count > 0)
            throw FaultException.Conflict($"import: {report.Skipped.Count} things were left out, named above; all else is here");
    }
}
