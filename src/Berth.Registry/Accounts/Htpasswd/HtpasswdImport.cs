using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Accounts.Htpasswd;

/// <summary>How accounts are to be taken from a file.</summary>
public sealed record HtpasswdImportOptions
{
    /// <summary>Says what would be done, and changes nothing.</summary>
    public bool IsDryRun { get; init; }

    /// <summary>Gives users that exist the file's passwords; they are left as they are otherwise.</summary>
    public bool ReplacesPasswords { get; init; }
}

/// <summary>What became of a file's accounts.</summary>
public sealed record HtpasswdReport
{
    /// <summary>Users that were made.</summary>
    public required IReadOnlyList<string> Made { get; init; }

    /// <summary>Users that have another password now.</summary>
    public required IReadOnlyList<string> Replaced { get; init; }

    /// <summary>How many had the file's password already.</summary>
    public required int Unchanged { get; init; }

    /// <summary>What was left out, in the order of the lines.</summary>
    public required IReadOnlyList<HtpasswdRefusal> LeftOut { get; init; }

    /// <summary>How much was left out, which may be more than is named.</summary>
    public required int LeftOutCount { get; init; }
}

/// <summary>Takes the accounts of an htpasswd file over: their passwords work at once, and the first sign-in of each replaces its hash by
/// the hub's own.</summary>
public sealed class HtpasswdImport(HubDatabase database, UserService users)
{
    // Accounts of one transaction: each is made whole, and a file of thousands does not wait for the disk for each.
    private const int Together = 100;

    private enum Outcome
    {
        Made,
        Replaced,
        Unchanged,
        LeftOut,
    }

    /// <summary>Takes them over; it may be run again.</summary>
    /// <exception cref="FaultException">InvalidArgument: the file cannot be read. Unavailable: the database cannot be written; what was
    /// done before stays.</exception>
    public async Task<HtpasswdReport> RunAsync(
        Caller actor, string path, HtpasswdImportOptions options, CancellationToken cancellationToken)
    {
        HtpasswdText text = HtpasswdText.Load(path);
        var made = new List<string>();
        var replaced = new List<string>();
        var leftOut = new List<HtpasswdRefusal>(text.Refusals);
        int unchanged = 0;
        foreach (HtpasswdEntry[] part in text.Entries.Values.OrderBy(entry => entry.Line).Chunk(Together))
        {
            foreach ((HtpasswdEntry entry, Outcome outcome, string reason) in await PartAsync(actor, part, options, cancellationToken))
            {
                if (outcome is Outcome.Made)
                    made.Add(entry.Name);
                else if (outcome is Outcome.Replaced)
                    replaced.Add(entry.Name);
                else if (outcome is Outcome.Unchanged)
                    unchanged++;
                else
                    leftOut.Add(new HtpasswdRefusal(entry.Line, reason));
            }
        }
        return new HtpasswdReport
        {
            Made = made,
            Replaced = replaced,
            Unchanged = unchanged,
            LeftOut = [.. leftOut.OrderBy(refusal => refusal.Line)],
            LeftOutCount = leftOut.Count + text.RefusalCount - text.Refusals.Count,
        };
    }

    private Task<List<(HtpasswdEntry Entry, Outcome Outcome, string Reason)>> PartAsync(
        Caller actor, HtpasswdEntry[] part, HtpasswdImportOptions options, CancellationToken cancellationToken)
    {
        async Task<List<(HtpasswdEntry, Outcome, string)>> WorkAsync(HubTransaction transaction, CancellationToken token)
        {
            var outcomes = new List<(HtpasswdEntry, Outcome, string)>(part.Length);
            foreach (HtpasswdEntry entry in part)
            {
                try
                {
                    (Outcome outcome, string reason) = await OneAsync(transaction, actor, entry, options, token);
                    outcomes.Add((entry, outcome, reason));
                }
                // Said before anything of the account was written.
                catch (FaultException fault) when (fault.Kind is FaultKind.Conflict or FaultKind.InvalidArgument)
                {
                    outcomes.Add((entry, Outcome.LeftOut, fault.Message));
                }
            }
            return outcomes;
        }

        return options.IsDryRun ? database.ReadAsync(WorkAsync, cancellationToken) : database.WriteAsync(WorkAsync, cancellationToken);
    }

    private async Task<(Outcome Outcome, string Reason)> OneAsync(
        HubTransaction transaction, Caller actor, HtpasswdEntry entry, HtpasswdImportOptions options, CancellationToken cancellationToken)
    {
        string name = entry.Name;
        long? id = await transaction.NumberAsync($"select id from accounts where name = {name} and kind = 'user'", cancellationToken);
        if (id is { } known)
        {
            string? stored = await transaction.TextAsync($"select password from users where account_id = {known}", cancellationToken);
            if (stored == entry.Hash)
                return (Outcome.Unchanged, "");
            if (!options.ReplacesPasswords)
                return (
                    Outcome.LeftOut,
                    $"{name}: there is a user of this name, who was left as they are; --replace-passwords gives them this password");
            if (!options.IsDryRun)
                await users.ReplacePasswordAsync(transaction, actor, known, name, entry.Hash, cancellationToken);
            return (Outcome.Replaced, "");
        }
        if (options.IsDryRun)
            await AccountNames.RequireFreeAsync(transaction, actor, "user", name, cancellationToken);
        else
            await users.ImportAsync(transaction, actor, name, entry.Hash, cancellationToken);
        return (Outcome.Made, "");
    }
}
