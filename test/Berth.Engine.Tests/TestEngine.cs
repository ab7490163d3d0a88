using System.Text;
using Berth.Layers;
using Berth.Layers.Stores;
using Berth.Layers.Tar;
using Berth.Oci;
using Berth.Oci.References;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Engine.Tests;

/// <summary>An engine over real stores in a directory of its own, with a runtime, networks and a clock of the test's.</summary>
internal sealed class TestEngine : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("berth-unit-").FullName;

    private TestEngine()
    {
        Runtime = new FakeRuntime(Time);
        Layers = new HookedLayers(new CopyLayerStore(Path.Combine(_root, "layers")));
    }

    public SettableClock Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public FakeRuntime Runtime { get; }

    public HookedLayers Layers { get; }

    public BerthEngine Engine { get; private set; } = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<TestEngine> OpenAsync(Func<EngineOptions, EngineOptions>? change = null)
    {
        TestEngine made = new();
        EngineOptions options = new() { DataRoot = made._root, ExecRoot = Path.Combine(made._root, "exec") };
        made.Engine = await BerthEngine.OpenAsync(change?.Invoke(options) ?? options, NullLoggerFactory.Instance, new EngineSubstitutes
        {
            Runtime = made.Runtime, Layers = made.Layers, Networks = new FakeNetworks(), Time = made.Time,
        }, Cancel);
        await made.Engine.Images.ImportAsync(new ImportRequest { Reference = ImageReference.Parse("base") }, Tar("base"), Cancel);
        return made;
    }

    /// <summary>A layer with one file of that name.</summary>
    public static MemoryStream Tar(string file)
    {
        MemoryStream tar = new();
        TarWriter writer = new(tar);
        writer.Write(new TarEntry { Type = TarEntryType.RegularFile, Path = Encoding.UTF8.GetBytes(file), Mode = 0x1A4, Size = 1 }, "x"u8);
        writer.Finish();
        tar.Position = 0;
        return tar;
    }

    public Task<CreatedContainer> CreateAsync(
        string? name = null, HostSettings? host = null, ContainerSettings? config = null) => Engine.Containers.CreateAsync(
        new CreateContainer
        {
            Name = name,
            Config = config ?? new ContainerSettings { Image = "base", Cmd = ["run"] },
            Host = (host ?? new HostSettings()) with { NetworkMode = "host" },
        }, Cancel);

    public async Task<(string Id, FakeContainer Running)> StartAsync(HostSettings? host = null, ContainerSettings? config = null)
    {
        string id = (await CreateAsync(host: host, config: config)).Id;
        await Engine.Containers.StartAsync(id, Cancel);
        return (id, await Runtime.Started.ReadAsync(Cancel));
    }

    public async Task<ContainerState> StateAsync(string id) => (await Engine.Containers.InspectAsync(id, false, Cancel)).State;

    /// <summary>Lets the clock go on in small steps until something has happened; returns how far it went.</summary>
    public async Task<TimeSpan> AdvanceUntilAsync(Func<bool> happened, TimeSpan step)
    {
        DateTimeOffset begin = Time.GetUtcNow();
        while (!happened())
        {
            Cancel.ThrowIfCancellationRequested();
            Time.Advance(step);
            await Task.Delay(1, Cancel);
        }
        return Time.GetUtcNow() - begin;
    }

    /// <summary>Waits, without moving the clock.</summary>
    public Task UntilAsync(Func<bool> happened) => AdvanceUntilAsync(happened, TimeSpan.Zero);

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }
}

/// <summary>A layer store that lets a test act in the middle of an operation.</summary>
internal sealed class HookedLayers(LayerStore inner) : ILayerStore, IAsyncDisposable
{
    public Func<Task> BeforeApply { get; set; } = () => Task.CompletedTask;

    public Exception? SizeFault { get; set; }

    public async Task<Layer> ApplyAsync(ChainId? parent, DiffId expected, Stream tar, CancellationToken cancellationToken)
    {
        await BeforeApply();
        return await inner.ApplyAsync(parent, expected, tar, cancellationToken);
    }

    public long SizeOf(WritableLayer layer) => SizeFault is { } fault ? throw fault : inner.SizeOf(layer);

    public Layer? Find(ChainId chain) => inner.Find(chain);

    public IReadOnlyCollection<Layer> List() => inner.List();

    public WritableLayer CreateWritable(string name, ChainId? parent, long? bytesMax = null) =>
        inner.CreateWritable(name, parent, bytesMax);

    public WritableLayer? FindWritable(string name) => inner.FindWritable(name);

    public IReadOnlyCollection<WritableLayer> ListWritable() => inner.ListWritable();

    public bool RemoveWritable(string name) => inner.RemoveWritable(name);

    public Task<Layer> CommitAsync(string writable, CancellationToken cancellationToken) => inner.CommitAsync(writable, cancellationToken);

    public Task<Layer> CommitCopyAsync(string writable, Action<string>? tidy, CancellationToken cancellationToken) =>
        inner.CommitCopyAsync(writable, tidy, cancellationToken);

    public Task WriteTarAsync(ChainId chain, Stream destination, CancellationToken cancellationToken) =>
        inner.WriteTarAsync(chain, destination, cancellationToken);

    public Task WriteChangesTarAsync(string writable, Stream destination, CancellationToken cancellationToken) =>
        inner.WriteChangesTarAsync(writable, destination, cancellationToken);

    public IReadOnlyList<TreeChange> Changes(string writable) => inner.Changes(writable);

    public bool Remove(ChainId chain) => inner.Remove(chain);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}

/// <summary>Time that passes when a test says so, and a clock that can be set without any passing.</summary>
internal sealed class SettableClock(DateTimeOffset start) : FakeTimeProvider(start)
{
    private TimeSpan _set;

    public void Set(TimeSpan by) => _set += by;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _set;

    // The base takes it from the clock.
    public override long GetTimestamp() => base.GetUtcNow().Ticks;
}
