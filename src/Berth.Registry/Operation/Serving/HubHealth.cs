using Berth.Registry.Database;
using Berth.Registry.Storage;

namespace Berth.Registry.Operation.Serving;

/// <summary>Whether a hub can do its work: balancers and orchestrators ask.</summary>
public sealed class HubHealth(HubDatabase database, IBlobStorage storage, string dataDirectory)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>Set when the process begins to stop: no new work should come.</summary>
    public bool IsStopping { get; set; }

    /// <summary>What an administrator has to see to while a balancer may go on: without the hub nobody could delete anything. Null when
    /// there is nothing.</summary>
    public string? Warning => database.IsDiskFull
        ? "the disk is full: pushes and changes are refused; pulls, deletions, collections and sign-ins go on" : null;

    /// <summary>What is wrong, in words that tell strangers nothing; null when all is well.</summary>
    public async Task<string?> ProblemAsync(CancellationToken cancellationToken)
    {
        if (IsStopping)
            return "stopping";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        string part = "database";
        try
        {
            await database.ReadAsync((transaction, token) =>
                transaction.NumberAsync($"select count(*) from migrations", token), limit.Token);
            part = "storage";
            // A small question that every storage answers by itself; whether it knows an owner does not matter here.
            await storage.OwnerAsync(limit.Token);
            return Directory.Exists(dataDirectory) ? null : part;
        }
        catch (Exception failure) when (failure is FaultException or System.Data.Common.DbException or IOException
            || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return part;
        }
    }
}
