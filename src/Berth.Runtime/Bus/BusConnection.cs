using System.Diagnostics;
using System.Text;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Sockets;

namespace Berth.Runtime.Bus;

/// <summary>A connection to a bus, or to a service that speaks the protocol without one. It lives for one operation; calls wait.</summary>
/// <remarks>
/// D-Bus specification, "Authentication protocol" and "Message bus". No thread, no task: <c>berth-runtime</c> lives for
/// milliseconds and starts processes (docs/adr/0020-systemd-cgroup-driver.md). Not thread-safe.
/// </remarks>
internal sealed class BusConnection : IDisposable
{
    private const int LineBytesMax = 1024;
    // Signals that nobody asked for are forgotten, the oldest first.
    private const int KeptSignalsMax = 1000;
    private const string BusName = "org.freedesktop.DBus", BusPath = "/org/freedesktop/DBus";

    private readonly FileDescriptor _socket;
    private readonly BusAddress _address;
    private readonly long _end;
    private readonly Queue<BusMessage> _signals = [];
    private readonly byte[] _chunk = new byte[4096];
    private byte[] _received = [];
    private uint _serial;

    private BusConnection(FileDescriptor socket, BusAddress address, TimeSpan patience)
    {
        (_socket, _address) = (socket, address);
        _end = Stopwatch.GetTimestamp() + (long)(patience.TotalSeconds * Stopwatch.Frequency);
    }

    /// <summary>Connects and says who we are.</summary>
    /// <param name="address">Where.</param>
    /// <param name="isBus">There is a bus between us and the service; otherwise the service itself listens.</param>
    /// <param name="patience">How long all that happens on this connection may take.</param>
    /// <exception cref="LinuxException">Nobody listens there.</exception>
    /// <exception cref="FaultException">Forbidden: it does not know us. Unavailable: it does not answer.</exception>
    public static BusConnection Open(BusAddress address, bool isBus, TimeSpan patience)
    {
        BusConnection connection = new(address.Connect(), address, patience);
        try
        {
            connection.Authenticate();
            if (isBus)
                connection.Call(BusName, BusPath, BusName, "Hello");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // The kernel tells the other side who we are; saying our number too would be wrong in a user namespace, where it is another.
    private void Authenticate()
    {
        Send("\0AUTH EXTERNAL\r\nDATA\r\n"u8);
        string answer = Line();
        if (answer.StartsWith("DATA", StringComparison.Ordinal))
            answer = Line();
        if (!answer.StartsWith("OK ", StringComparison.Ordinal))
            throw new FaultException(FaultKind.Forbidden, $"D-Bus {_address}: it refuses this user: {answer}");
        Send("BEGIN\r\n"u8);
    }

    /// <summary>Asks the bus for signals of a kind.</summary>
    public void Match(string sender, string path, string @interface, string member) => Call(BusName, BusPath, BusName, "AddMatch",
        BusValue.Of($"type='signal',sender='{sender}',path='{path}',interface='{@interface}',member='{member}'"));

    /// <summary>Calls a method and waits for what it returns.</summary>
    /// <exception cref="BusException">It is refused.</exception>
    /// <exception cref="FaultException">Unavailable: no answer in time, or the connection ended.</exception>
    public BusMessage Call(string destination, string path, string @interface, string member, params IReadOnlyList<BusValue> arguments) =>
        Answer(Begin(destination, path, @interface, member, arguments));

    /// <summary>Calls a method without waiting.</summary>
    /// <returns>The number that <see cref="Answer"/> takes.</returns>
    public uint Begin(string destination, string path, string @interface, string member, params IReadOnlyList<BusValue> arguments)
    {
        BusMessage call = new()
        {
            Kind = BusMessageKind.Call, Serial = ++_serial, Destination = destination, Path = path, Interface = @interface, Member = member,
            Body = arguments,
        };
        Send(call.ToBytes());
        return _serial;
    }

    /// <summary>Waits for the answer to a call.</summary>
    /// <exception cref="BusException">It is refused.</exception>
    /// <exception cref="FaultException">Unavailable: no answer in time, or the connection ended.</exception>
    public BusMessage Answer(uint serial)
    {
        while (true)
        {
            BusMessage message = Next();
            if (message.Kind == BusMessageKind.Signal)
                Keep(message);
            else if (message.ReplyTo == serial && message.Kind is BusMessageKind.Return or BusMessageKind.Error)
                return message.Kind == BusMessageKind.Return ? message : throw new BusException(message.ErrorName, message.FirstText);
        }
    }

    /// <summary>Waits for a signal, one that has come already included.</summary>
    /// <exception cref="FaultException">Unavailable: it did not come in time, or the connection ended.</exception>
    public BusMessage Await(Func<BusMessage, bool> isWanted)
    {
        while (true)
        {
            BusMessage message = _signals.TryDequeue(out BusMessage? kept) ? kept : Next();
            if (message.Kind == BusMessageKind.Signal && isWanted(message))
                return message;
        }
    }

    private void Keep(BusMessage signal)
    {
        if (_signals.Count == KeptSignalsMax)
            _signals.Dequeue();
        _signals.Enqueue(signal);
    }

    private BusMessage Next()
    {
        while (_received.Length < BusMessage.FixedBytes)
            Receive();
        int length = BusMessage.LengthOf(_received);
        while (_received.Length < length)
            Receive();
        BusMessage message = BusMessage.Parse(_received.AsSpan(0, length));
        _received = _received[length..];
        return message;
    }

    private string Line()
    {
        int end;
        while ((end = _received.AsSpan().IndexOf("\r\n"u8)) < 0)
        {
            if (_received.Length > LineBytesMax)
                throw FaultException.Unavailable($"D-Bus {_address}: what answers there does not speak D-Bus");
            Receive();
        }
        string line = Encoding.ASCII.GetString(_received, 0, end);
        _received = _received[(end + 2)..];
        return line;
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            DescriptorSockets.Send(_socket, bytes);
        }
        catch (LinuxException gone)
        {
            throw Lost(gone);
        }
    }

    private void Receive()
    {
        TimeSpan left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _end);
        if (left <= TimeSpan.Zero || !DescriptorSockets.AwaitInput(_socket, left))
            throw FaultException.Unavailable($"D-Bus {_address}: no answer in time");
        int count = DescriptorSockets.Receive(_socket, _chunk, out FileDescriptor? unexpected);
        unexpected?.Dispose();
        if (count == 0)
            throw Lost(null);
        _received = [.. _received, .. _chunk.AsSpan(0, count)];
    }

    private FaultException Lost(Exception? cause) => FaultException.Unavailable($"D-Bus {_address}: the connection was closed", cause);

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}

/// <summary>A call was refused.</summary>
/// <param name="name">The error's name, such as <c>org.freedesktop.systemd1.NoSuchUnit</c>.</param>
/// <param name="text">What the other side says to it.</param>
internal sealed class BusException(string name, string text) : Exception(text.Length > 0 ? text : name)
{
    /// <summary>The error's name.</summary>
    public string Name => name;
}
