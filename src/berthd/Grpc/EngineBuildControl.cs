using System.Globalization;
using Berth.Builder;
using Berth.BuildKit.Control;
using Berth.Daemon.Http;
using Berth.Engine;
using Berth.Oci;

namespace Berth.Daemon.Grpc;

/// <summary>The engine as BuildKit's Control service reaches it.</summary>
internal sealed class EngineBuildControl(EngineServices engine, ProgramIdentity program) : IBuildControl
{
    private const string DefaultNetwork = "bridge";

    public (string Version, string Commit) Version => (program.Version, program.Commit);

    public string? HostGateway =>
        engine.Networks.List(FilterSet.None).FirstOrDefault(network => network.Name == DefaultNetwork)?.Ranges is [var range, ..]
        && range.Gateway.Length > 0 ? range.Gateway : null;

    public Task<Digest> BuildAsync(
        SolveOptions options, IBuildClient client, IBuildExport? export, Stream? context, IBuildProgress progress,
        CancellationToken cancellationToken) =>
        engine.Builds.BuildAsync(
            new BuildSettings
            {
                Dockerfile = options.Filename,
                Remote = options.Remote,
                Tags = options.Tags,
                BuildArgs = options.BuildArguments,
                Labels = options.Labels,
                Target = options.Target,
                NoCache = options.NoCache,
                NoCacheStages = options.NoCacheStages,
                NamedImages = options.NamedImages,
                Pull = options.Pull,
                NetworkMode = options.NetworkMode,
                AllowsHostNetwork = options.AllowsHostNetwork,
                ExtraHosts = options.ExtraHosts,
                Platform = options.Platform,
                CacheFrom = options.CacheFrom,
                ShmSize = options.ShmSizeBytes,
                Resources = new ResourceLimits
                {
                    CgroupParent = options.CgroupParent,
                    Ulimits = [.. options.Ulimits.Select(limit => new Ulimit(limit.Key, limit.Value.Soft, limit.Value.Hard))],
                },
                Client = client,
                Export = export,
            },
            context, progress, cancellationToken);

    public Task<string> ReadDefinitionAsync(string filename, IBuildClient client, CancellationToken cancellationToken) =>
        engine.Builds.ReadDefinitionAsync(client, filename, cancellationToken);

    public async Task<IReadOnlyList<CacheUse>> ListCacheAsync(CancellationToken cancellationToken)
    {
        DiskUsage usage = await engine.System.DiskUsageAsync(cancellationToken);
        return [.. usage.BuildCache.Select(entry => new CacheUse(entry.Id, entry.Type, entry.Description, entry.Size)
        {
            InUse = entry.InUse, Shared = entry.Shared, Created = entry.CreatedAt, LastUsed = entry.LastUsedAt, Uses = entry.UsageCount,
        })];
    }

    public Task PruneCacheAsync(bool all, TimeSpan unusedFor, long keepBytes, CancellationToken cancellationToken)
    {
        string seconds = ((long)unusedFor.TotalSeconds).ToString(CultureInfo.InvariantCulture) + "s";
        FilterSet filters = unusedFor == TimeSpan.Zero ? FilterSet.None
            : new FilterSet([KeyValuePair.Create<string, IReadOnlyList<string>>("until", [seconds])]);
        return engine.Builds.PruneAsync(new BuildPrune(all, keepBytes, filters), cancellationToken);
    }
}
