using System.Data.Common;

namespace Berth.Registry.Database;

/// <summary>Where connections come from.</summary>
internal interface IConnectionSource : IAsyncDisposable
{
    /// <summary>What the database speaks.</summary>
    Dialect Dialect { get; }

    /// <summary>A connection to read with; given back by <see cref="ReturnAsync"/>.</summary>
    ValueTask<HubConnection> RentReaderAsync(CancellationToken cancellationToken);

    /// <summary>A connection to write with; waits while the database takes one writer only and there is one.</summary>
    ValueTask<HubConnection> RentWriterAsync(CancellationToken cancellationToken);

    /// <summary>Begins a serialisable transaction.</summary>
    ValueTask<DbTransaction> BeginAsync(HubConnection connection, Durability durability, CancellationToken cancellationToken);

    /// <summary>Takes a connection back; one that failed is closed.</summary>
    ValueTask ReturnAsync(HubConnection connection, bool failed);

    /// <summary>A value that is the same only while nothing that a reader could see has changed, in whichever process.</summary>
    ValueTask<DatabaseMark> MarkAsync(CancellationToken cancellationToken);

    /// <summary>Whether changes that make no room may go on; tries to keep the room that a full disk needs. Only the embedded database
    /// keeps any: a server's disk is its administrator's.</summary>
    bool TryKeepRoom() => true;

    /// <summary>Gives away some of the room that is kept, for a change that met a full disk; false when there is none for it.</summary>
    bool TryGiveRoom(ReserveUse use) => false;

    /// <summary>Whether the disk is known to be full.</summary>
    bool IsDiskFull => false;
}
