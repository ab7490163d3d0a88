namespace Berth.Client.Wire;

/// <summary>Stands for the body of an upgraded answer: the connection itself.</summary>
internal sealed class HijackBody(Connection connection, WireReader reader) : MemoryStream
{
    public Connection Connection => connection;

    public WireReader Reader => reader;
}
