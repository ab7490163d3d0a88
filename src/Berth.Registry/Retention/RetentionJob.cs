using Berth.Registry.Model;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Retention;

/// <summary>Runs the rules of all repositories; the hub does so every <see cref="Period"/>.</summary>
/// <remarks>Several hubs on one database may do so at once: each repository's run is one transaction, and a second finds nothing to
/// do.</remarks>
public sealed partial class RetentionJob(RetentionService retention, ILogger<RetentionJob> log)
{
    /// <summary>The time between two runs.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromHours(1);

    private const int RepositoriesPerStep = 100;

    /// <summary>Who it is in the diary and the audit log; no account has such a name.</summary>
    internal const string Name = "(retention)";

    private static readonly Caller s_self = new() { Name = Name };

    /// <summary>Runs the rules of every repository that has some, once. A repository that fails does not hold up the others.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        for (long after = 0; ;)
        {
            List<long> repositories = await retention.RepositoriesAsync(after, RepositoriesPerStep, cancellationToken);
            foreach (long repository in repositories)
                await RunRepositoryAsync(repository, cancellationToken);
            if (repositories.Count < RepositoriesPerStep)
                return;
            after = repositories[^1];
        }
    }

    private async Task RunRepositoryAsync(long repository, CancellationToken cancellationToken)
    {
        try
        {
            RetentionPlan done = await retention.RunAsync(s_self, repository, cancellationToken);
            if (done.RemovedTags.Count + done.RemovedImages.Count > 0)
                Log.Removed(log, repository, done.RemovedTags.Count, done.RemovedImages.Count);
        }
        catch (FaultException fault)
        {
            Log.Failed(log, repository, fault);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 7101, Level = LogLevel.Information,
            Message = "Retention of repository {Repository}: {Tags} tags, {Images} images removed")]
        public static partial void Removed(ILogger logger, long repository, int tags, int images);

        [LoggerMessage(EventId = 7102, Level = LogLevel.Warning, Message = "Retention of repository {Repository} failed")]
        public static partial void Failed(ILogger logger, long repository, Exception cause);
    }
}
