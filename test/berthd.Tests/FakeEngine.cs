using System.Runtime.CompilerServices;
using Berth.Daemon.Http;
using Berth.Engine;
using Berth.Layers;
using Berth.Oci;

namespace Berth.Daemon.Tests;

/// <summary>A domain with one container and one event, enough to see the wire.</summary>
internal sealed class FakeEngine
{
    public FakeContainers FakeContainers { get; } = new();

    /// <summary>As endpoints see it; images, volumes and networks are not part of it.</summary>
    public EngineServices Services => new()
    {
        Containers = FakeContainers,
        Execs = new FakeExecs(),
        Images = null!,
        Volumes = null!,
        Networks = null!,
        Events = new FakeEvents(),
        System = new FakeSystem(),
        Builds = new FakeBuilds(),
    };

    internal static FaultException Missing([CallerMemberName] string what = "") =>
        new(FaultKind.NotSupported, $"the fake has no {what}");
}

internal sealed class FakeExecs : IExecs
{
    public Task<string> CreateAsync(string container, ExecSettings settings, CancellationToken cancellationToken) =>
        throw FakeEngine.Missing();

    /// <summary>Fails in its first step, after the connection was taken over.</summary>
    public Task<IAttachment?> StartAsync(string id, ExecStart start, CancellationToken cancellationToken) =>
        throw FaultException.Invalid("OCI runtime exec failed: no such program");

    public Task WaitAsync(string id, CancellationToken cancellationToken) => Task.CompletedTask;

    public ExecDetails Inspect(string id) => id == "x"
        ? new ExecDetails(id, "c", new ExecSettings { Cmd = ["x"] }, Running: false, ExitCode: null, Pid: 0, CanRemove: false)
        : throw FaultException.NotFound($"No such exec instance: {id}");

    public Task ResizeAsync(string id, int rows, int columns, CancellationToken cancellationToken) => Task.CompletedTask;
}

internal sealed class FakeSystem : ISystem
{
    public SystemInfo Info() => new() { Id = "fake", Options = new EngineOptions(), KernelVersion = "6.18" };

    public Task<DiskUsage> DiskUsageAsync(CancellationToken cancellationToken) => Task.FromResult(new DiskUsage());

    public Task<string?> LoginAsync(RegistryLogin login, CancellationToken cancellationToken) =>
        throw new FaultException(FaultKind.Unauthorized, "login attempt failed with status: 401 Unauthorized");
}

internal sealed class FakeEvents : IEvents
{
    public async IAsyncEnumerable<EngineEvent> Subscribe(
        EventQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new EngineEvent(
            "container", "start", new string('a', 64), new Dictionary<string, string> { ["image"] = "busybox" },
            DateTimeOffset.UnixEpoch.AddSeconds(5));
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}

/// <summary>Reads its context and fails in step two, before step one when asked for an unknown target, in the middle of its context for
/// the target <c>full</c>.</summary>
internal sealed class FakeBuilds : IBuilds
{
    public async Task<Digest> BuildAsync(
        BuildSettings settings, Stream context, IProgress<ProgressMessage> progress, CancellationToken cancellationToken)
    {
        if (settings.Target == "full")
            throw await GiveUpAsync(context);
        using var counted = new MemoryStream();
        await context.CopyToAsync(counted, cancellationToken);
        if (settings.Target == "unknown")
            throw FaultException.Invalid("failed to reach build target unknown in Dockerfile");
        progress.Report(new ProgressMessage { Stream = $"Step 1/2 : context has {counted.Length} bytes\n" });
        throw FaultException.Internal("The command '/bin/sh -c false' returned a non-zero code: 3");
    }

    public Task<Digest> BuildAsync(
        BuildSettings settings, Stream? context, Berth.Builder.IBuildProgress progress, CancellationToken cancellationToken) =>
        throw FakeEngine.Missing();

    // Leaves the body in the middle of a read.
    private static async Task<FaultException> GiveUpAsync(Stream context)
    {
        await context.ReadExactlyAsync(new byte[10]);
        using CancellationTokenSource stop = new();
        ValueTask<int> read = context.ReadAsync(new byte[100], stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
        return FaultException.Unavailable("no space left on device");
    }

    public Task<string> ReadDefinitionAsync(
        Berth.Builder.IBuildClient client, string dockerfile, CancellationToken cancellationToken) => throw FakeEngine.Missing();

    public bool Cancel(string buildId) => false;

    public Task<PruneReport> PruneAsync(BuildPrune request, CancellationToken cancellationToken) =>
        Task.FromResult(new PruneReport([], 0));
}

internal sealed class FakeContainers : IContainers
{
    public FakeAttachment? Attachment { get; set; }

    public TaskCompletionSource<WaitOutcome> Ended { get; } = new();

    public CreateContainer? Created { get; private set; }

    public Task<CreatedContainer> CreateAsync(CreateContainer request, CancellationToken cancellationToken)
    {
        Created = request;
        return Task.FromResult(new CreatedContainer(new string('c', 64), []));
    }

    public Task<bool> StartAsync(string id, CancellationToken cancellationToken) => Task.FromResult(id == "stopped");

    public Task<IAttachment> AttachAsync(string id, AttachRequest request, CancellationToken cancellationToken) =>
        Attachment is { } attachment ? Task.FromResult<IAttachment>(attachment)
            : throw FaultException.NotFound($"No such container: {id}");

    public Task<WaitOutcome> Wait(string id, WaitCondition condition, CancellationToken cancellationToken) =>
        Ended.Task.WaitAsync(cancellationToken);

    public Task<IReadOnlyList<ContainerSummary>> ListAsync(ContainerQuery query, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<ContainerSummary>>([]);

    public Task<bool> StopAsync(string id, string? signal, int? timeoutSeconds, CancellationToken cancellationToken) =>
        throw FakeEngine.Missing();

    public Task RestartAsync(string id, string? signal, int? timeoutSeconds, CancellationToken cancellationToken) =>
        throw FakeEngine.Missing();

    public Task KillAsync(string id, string? signal, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("a mistake of ours");

    public Task PauseAsync(string id, CancellationToken cancellationToken) => throw FakeEngine.Missing();

    public Task UnpauseAsync(string id, CancellationToken cancellationToken) => throw FakeEngine.Missing();

    public Task RenameAsync(string id, string name, CancellationToken cancellationToken) => throw FakeEngine.Missing();

    public Task<IReadOnlyList<string>> UpdateAsync(string id, ContainerUpdate update, CancellationToken cancellationToken) =>
        throw FakeEngine.Missing();

    public Task RemoveLinkAsync(string link, CancellationToken cancellationToken) => throw FakeEngine.Missing();

    public Task RemoveAsync(string id, bool force, bool volumes, CancellationToken cancellationToken) =>
        throw FaultException.Conflict($"cannot remove container \"{id}\": container is running");

    public Task<ContainerDetails> InspectAsync(string id, bool size, CancellationToken cancellationToken) =>
        throw FaultException.NotFound($"No such container: {id}");

    public Task<ProcessTable> TopAsync(string id, string? arguments, CancellationToken cancellationToken) =>
        throw FakeEngine.Missing();

    public IAsyncEnumerable<StatisticsSample> Statistics(
        string id, bool stream, bool oneShot, CancellationToken cancellationToken) => throw FakeEngine.Missing();

    public IAsyncEnumerable<LogEntry> Logs(string id, LogQuery query, CancellationToken cancellationToken) =>
        throw FakeEngine.Missing();

    public Task ResizeAsync(string id, int rows, int columns, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<TreeChange>> ChangesAsync(string id, CancellationToken cancellationToken) =>
        throw FakeEngine.Missing();

    public Task<IArchive> ExportAsync(string id, CancellationToken cancellationToken) => throw FakeEngine.Missing();

    public Task<PathStat> StatPathAsync(string id, string path, CancellationToken cancellationToken) =>
        Task.FromResult(new PathStat("etc", 4096, 0x41ED, DateTimeOffset.UnixEpoch, ""));

    public Task<IArchive> ReadArchiveAsync(string id, string path, CancellationToken cancellationToken) =>
        throw FakeEngine.Missing();

    public Task WriteArchiveAsync(
        string id, string path, Stream tar, ArchiveOptions options, CancellationToken cancellationToken) =>
        tar.CopyToAsync(Stream.Null, cancellationToken);

    public Task<Digest> CommitAsync(CommitRequest request, CancellationToken cancellationToken) => throw FakeEngine.Missing();

    public Task<PruneReport> PruneAsync(FilterSet filters, CancellationToken cancellationToken) =>
        Task.FromResult(new PruneReport([], 0));
}
