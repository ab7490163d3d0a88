using System.Threading.Channels;
using Berth.Faults;
using Berth.Linux;
using Berth.Network;
using Berth.Oci.Runtime;
using Berth.Runtime;

namespace Berth.Engine.Tests;

/// <summary>A runtime without a kernel: the test ends containers and sees what they were started with.</summary>
internal sealed class FakeRuntime(TimeProvider time) : IContainerRuntime
{
    private readonly Channel<FakeContainer> _started = Channel.CreateUnbounded<FakeContainer>();

    public TimeProvider Time => time;

    public IReadOnlyList<string> Warnings { get; set; } = [];

    public FaultException? StartFault { get; set; }

    public Func<int> ExecCode { get; set; } = () => 0;

    public ChannelReader<FakeContainer> Started => _started.Reader;

    public IReadOnlyList<string> WarningsOf(ProcessSpec process) => Warnings;

    public FaultException? MappingFault { get; set; }

    public void CheckMapping(string directory)
    {
        if (MappingFault is { } fault)
            throw fault;
    }

    public Task<IContainer> CreateAsync(ContainerRequest request, CancellationToken cancellationToken) =>
        Task.FromResult<IContainer>(new FakeContainer(this, request));

    public Task<IContainer?> ReattachAsync(string id, string runDirectory, CancellationToken cancellationToken) =>
        Task.FromResult<IContainer?>(null);

    public void Report(FakeContainer container) => _started.Writer.TryWrite(container);
}

internal sealed class FakeContainer(FakeRuntime runtime, ContainerRequest request) : IContainer
{
    private readonly TaskCompletionSource<ContainerExit> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ContainerRequest Request => request;

    public List<int> Signals { get; } = [];

    public Action<FakeContainer, int> OnSignal { get; set; } = (container, signal) => container.Exit(128 + signal);

    public string Id => request.Id;

    public int Pid => Environment.ProcessId;

    public DateTimeOffset? StartedAt { get; private set; }

    public Task<ContainerExit> Exited => _exited.Task;

    public void Exit(int code) => _exited.TrySetResult(new ContainerExit(code, runtime.Time.GetUtcNow(), false));

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (runtime.StartFault is { } fault)
            throw fault;
        StartedAt = runtime.Time.GetUtcNow();
        runtime.Report(this);
        return Task.CompletedTask;
    }

    public bool TrySignal(int signal)
    {
        if (signal == 0)
            return !Exited.IsCompleted;
        lock (Signals)
            Signals.Add(signal);
        OnSignal(this, signal);
        return true;
    }

    public Task<IExecProcess> ExecAsync(ExecRequest exec, CancellationToken cancellationToken) =>
        Task.FromResult<IExecProcess>(new FakeExec(runtime.ExecCode()));

    public Task<IContainerStreams> AttachAsync(bool stdin, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task PauseAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task ResumeAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task UpdateAsync(LinuxResources resources, CancellationToken cancellationToken) => Task.CompletedTask;

    public CgroupStatistics ReadStatistics() => throw new NotSupportedException();

    public IReadOnlyList<int> Processes() => [];

    public Task DeleteAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => default;
}

internal sealed class FakeExec(int code) : IExecProcess, IContainerStreams
{
    public int Pid => Environment.ProcessId;

    public IContainerStreams? Streams => this;

    public Task<int> Exited => Task.FromResult(code);

    public Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken) => Task.CompletedTask;

    public bool TrySignal(int signal) => false;

    public ValueTask<(OutputSource Source, int Count)> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        new((OutputSource.Stdout, 0));

    public ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => new(true);

    public ValueTask CloseInputAsync() => default;

    public ValueTask DisposeAsync() => default;
}

/// <summary>No networks: containers of these tests use the host's.</summary>
internal sealed class FakeNetworks : INetworks
{
    public Task<IReadOnlyDictionary<string, ISandbox>> StartAsync(
        IReadOnlyCollection<LiveContainer> live, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyDictionary<string, ISandbox>>(new Dictionary<string, ISandbox>());

    public Task<Network.Network> CreateAsync(NetworkRequest request, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task RemoveAsync(string network, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Network.Network? Find(string network) => null;

    public IReadOnlyList<Network.Network> List() => [];

    public IReadOnlyList<Endpoint> Endpoints(string network) => [];

    public ISandbox CreateSandbox(string containerId) => throw new NotSupportedException();

    public ISandbox OpenSandbox(string containerId, int pid) => throw new NotSupportedException();

    public ISandbox? FindSandbox(string containerId) => null;

    public Task PublishAsync(ISandbox sandbox, string network, IReadOnlyList<Network.PortBinding> ports, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public Task<Endpoint> ConnectAsync(ISandbox sandbox, string network, EndpointRequest request, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task DisconnectAsync(ISandbox sandbox, string network, CancellationToken cancellationToken) => throw new NotSupportedException();

    public void Rename(ISandbox sandbox, string containerName)
    {
    }

    public Task TearDownAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => default;
}
