using Microsoft.AspNetCore.Connections;

namespace Berth.Daemon.Transport;

/// <summary>Tells the table of connections when a request is being answered on one.</summary>
internal interface IConnectionUse
{
    /// <summary>A request has come in whole; nobody takes the connection away from it.</summary>
    void Begin();

    /// <summary>It is answered.</summary>
    void End();
}

/// <summary>
/// All connections of a server, of which there are only so many. When there is no room for another, the one goes that has waited
/// longest for a request: whoever opens thousands and asks nothing keeps nobody out.
/// </summary>
internal sealed class ConnectionTable(int max)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Entry> _waiting = new(); // Guarded by _gate: longest first.
    private int _count;                                  // Guarded by _gate.

    /// <summary>Takes a connection in; null when there is no room, because requests are being answered on all.</summary>
    public Entry? TryAdd(ConnectionContext connection)
    {
        Entry? evicted = null;
        Entry added = new(this, connection);
        lock (_gate)
        {
            if (_count >= max)
            {
                if (_waiting.First is not { } oldest)
                    return null;
                evicted = oldest.Value;
                Drop(evicted);
            }
            _count++;
            _waiting.AddLast(added.Node);
        }
        evicted?.Connection.Abort(new ConnectionAbortedException("another connection needs the room of one that asks nothing"));
        return added;
    }

    // Once: whoever was sent away is not counted any more when its connection ends.
    private void Drop(Entry entry)
    {
        if (entry.IsDropped)
            return;
        entry.IsDropped = true;
        _count--;
        if (entry.Node.List is not null)
            _waiting.Remove(entry.Node);
    }

    /// <summary>One connection in the table, until it is disposed.</summary>
    internal sealed class Entry : IConnectionUse, IDisposable
    {
        private readonly ConnectionTable _table;

        public Entry(ConnectionTable table, ConnectionContext connection)
        {
            (_table, Connection) = (table, connection);
            Node = new LinkedListNode<Entry>(this);
        }

        public ConnectionContext Connection { get; }

        public LinkedListNode<Entry> Node { get; }

        /// <summary>Guarded by the table's gate.</summary>
        public bool IsDropped { get; set; }

        public void Begin()
        {
            lock (_table._gate)
                if (Node.List is not null)
                    _table._waiting.Remove(Node);
        }

        public void End()
        {
            lock (_table._gate)
                if (!IsDropped && Node.List is null)
                    _table._waiting.AddLast(Node);
        }

        public void Dispose()
        {
            lock (_table._gate)
                _table.Drop(this);
        }
    }
}
