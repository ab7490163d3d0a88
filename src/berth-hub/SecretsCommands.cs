using System.CommandLine;
using Berth.Registry.Hosting;
using Berth.Registry.Sealing;

namespace Berth.Hub;

/// <summary><c>berth-hub secrets …</c>: the key that secrets in the database are encrypted with.</summary>
internal static class SecretsCommands
{
    private static readonly Option<bool> s_prepare = new("--prepare")
    {
        Description = "Only put the new key into the file, to copy the file to other machines first; the next run goes on",
    };

    public static Command Create() => new("secrets", "Change the key that secrets in the database are encrypted with")
    {
        HubLocation.Verb("rotate", "Encrypt with a new key, while the hub serves", RotateAsync, s_prepare),
        HubLocation.ClosedVerb(
            "reset", "When the key is lost for good: give up signing keys and webhooks, and go on with a new key", ResetAsync),
    };

    private static async Task RotateAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        RotationReport report = await new KeyRotation(services).RunAsync(
            HubLocation.Operator, parsed.GetValue(s_prepare), cancellationToken);
        string file = services.Accounts.Seals.KeyFile;
        if (report.FormerFile is not { } former)
        {
            Console.WriteLine($"{file} holds the new key {report.KeyId} beside the old one, which is still in use.");
            Console.WriteLine("Copy it to the machines of the other processes, then run this again without --prepare.");
            return;
        }
        Console.WriteLine($"The secrets are encrypted with the new key {report.KeyId} in {file}: keep a copy of that file.");
        Console.WriteLine($"The key before is in {former}: keep it with the backups that were made before, and remove it here.");
    }

    private static async Task ResetAsync(HubOptions options, ParseResult parsed, CancellationToken cancellationToken)
    {
        LostKeyReport report = await LostKey.ForgetAsync(options, HubLocation.Operator, TimeProvider.System, cancellationToken);
        foreach (ForgottenWebhook webhook in report.Webhooks)
            Console.Error.WriteLine($"webhook removed: {webhook.Repository} {Output.Printable(webhook.Url)} {webhook.Events}");
        Console.WriteLine($"Secrets are encrypted with key {report.KeyId} in {report.KeyFile} from now on: keep a copy of that file.");
        if (report.Webhooks.Count > 0)
            Console.WriteLine("Make the webhooks again with \"berth-hub webhook add\": each gets a new secret, which its receiver needs.");
    }
}
