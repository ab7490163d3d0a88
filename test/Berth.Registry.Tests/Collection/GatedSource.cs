using System.Data.Common;
using Berth.Registry.Database;

namespace Berth.Registry.Tests.Collection;

/// <summary>A database before each of whose transactions and readings another actor may have its turn.</summary>
internal sealed class GatedSource(IConnectionSource source, Func<Task> gate) : IConnectionSource
{
    public Dialect Dialect => source.Dialect;

    public async ValueTask<HubConnection> RentReaderAsync(CancellationToken cancellationToken)
    {
        await gate();
        return await source.RentReaderAsync(cancellationToken);
    }

    public async ValueTask<HubConnection> RentWriterAsync(CancellationToken cancellationToken)
    {
        await gate();
        return await source.RentWriterAsync(cancellationToken);
    }

    public ValueTask<DbTransaction> BeginAsync(HubConnection connection, Durability durability, CancellationToken cancellationToken) =>
        source.BeginAsync(connection, durability, cancellationToken);

    public ValueTask ReturnAsync(HubConnection connection, bool failed) => source.ReturnAsync(connection, failed);

    public ValueTask<DatabaseMark> MarkAsync(CancellationToken cancellationToken) => source.MarkAsync(cancellationToken);

    public ValueTask DisposeAsync() => source.DisposeAsync();
}
