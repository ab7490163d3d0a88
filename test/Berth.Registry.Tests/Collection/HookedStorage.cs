using Berth.Registry.Storage;

namespace Berth.Registry.Tests.Collection;

/// <summary>
/// A storage at whose steps something else may happen. It tells whoever removes something how much there was before it does, as services
/// do: several at once are told the same.
/// </summary>
internal sealed class HookedStorage(IBlobStorage storage) : IBlobStorage
{
    /// <summary>What happens between the look and the removal.</summary>
    public Func<Task> Removing { get; init; } = () => Task.CompletedTask;

    /// <summary>What happens after a removal.</summary>
    public Action Removed { get; init; } = () => { };

    /// <summary>What happens after a look at something that a listing told.</summary>
    public Func<Task> Looked { get; init; } = () => Task.CompletedTask;

    public async ValueTask<long> DeleteAsync(string location, CancellationToken cancellationToken)
    {
        long bytes = await storage.BytesAsync(location, cancellationToken) ?? 0;
        await Removing();
        await storage.DeleteAsync(location, cancellationToken);
        Removed();
        return bytes;
    }

    public async ValueTask<StoredState?> LookAsync(StoredFile file, CancellationToken cancellationToken)
    {
        StoredState? state = await storage.LookAsync(file, cancellationToken);
        await Looked();
        return state;
    }

    public ValueTask<IBlobWriter> BeginAsync(string id, string algorithm, CancellationToken cancellationToken) =>
        storage.BeginAsync(id, algorithm, cancellationToken);

    public ValueTask<IBlobWriter> ResumeAsync(string id, string algorithm, long bytes, CancellationToken cancellationToken) =>
        storage.ResumeAsync(id, algorithm, bytes, cancellationToken);

    public ValueTask<long?> ArrivedAsync(string id, long bytes, CancellationToken cancellationToken) =>
        storage.ArrivedAsync(id, bytes, cancellationToken);

    public ValueTask<long> CancelAsync(string id, CancellationToken cancellationToken) => storage.CancelAsync(id, cancellationToken);

    public IAsyncEnumerable<StoredFile> PiecesAsync(string id, CancellationToken cancellationToken) =>
        storage.PiecesAsync(id, cancellationToken);

    public ValueTask<IBlobReader?> OpenAsync(string location, CancellationToken cancellationToken) =>
        storage.OpenAsync(location, cancellationToken);

    public IAsyncEnumerable<StoredFile> FilesAsync(CancellationToken cancellationToken) => storage.FilesAsync(cancellationToken);

    public ValueTask<long?> BytesAsync(string location, CancellationToken cancellationToken) =>
        storage.BytesAsync(location, cancellationToken);

    public ValueTask<DateTimeOffset> ClockAsync(CancellationToken cancellationToken) => storage.ClockAsync(cancellationToken);

    public ValueTask<string?> OwnerAsync(CancellationToken cancellationToken) => storage.OwnerAsync(cancellationToken);

    public ValueTask SetOwnerAsync(string owner, CancellationToken cancellationToken) => storage.SetOwnerAsync(owner, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
