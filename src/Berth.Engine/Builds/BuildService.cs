using Berth.Faults;
using Berth.Oci;

namespace Berth.Engine;

/// <inheritdoc cref="IBuilds"/>
internal sealed class BuildService : IBuilds
{
    public Task<Digest> BuildAsync(BuildSettings settings, Stream context, IProgress<ProgressMessage> progress, CancellationToken cancellationToken) =>
        throw new FaultException(FaultKind.NotSupported, "build: this engine has no builder");

    public bool Cancel(string buildId) => false;

    public Task<PruneReport> PruneAsync(BuildPrune request, CancellationToken cancellationToken) => Task.FromResult(new PruneReport([], 0));

    public IReadOnlyList<BuildCacheEntry> CacheEntries() => [];
}
