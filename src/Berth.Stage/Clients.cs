using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>The monitor's connections: who gets what.</summary>
internal static unsafe class Clients
{
    // MSG_DONTWAIT | MSG_NOSIGNAL
    private const int SendFlags = 0x40 | 0x4000;

    public static void Add(MonitorState* monitor, int socket, Packet role, bool bringsInput)
    {
        if (monitor->ClientCount == StageContract.ClientsMax)
        {
            Close(socket);
            return;
        }
        Fcntl(socket, 2, 1);
        monitor->Clients[monitor->ClientCount++] = new Client { Socket = socket, Role = role, BringsInput = bringsInput };
    }

    /// <summary>Takes a new connection of our own user or root; everybody else is hung up on.</summary>
    public static void Accept(MonitorState* monitor)
    {
        int socket = Sys.Accept(monitor->Listener);
        if (socket < 0)
            return;
        uint* peer = stackalloc uint[3];
        int length = 12;
        uint own = (uint)GetUser();
        if (GetSocketOption(socket, 1, 17, peer, &length) < 0 || (peer[1] != 0 && peer[1] != own))
            Close(socket);
        else
            Add(monitor, socket, default, bringsInput: false);
    }

    public static void Remove(MonitorState* monitor, int index)
    {
        Client* client = monitor->Clients + index;
        Close(client->Socket);
        if (client->BringsInput)
            EndInputOfClient(monitor);
        bool lastWord = client->Role == Packet.Control;
        monitor->Clients[index] = monitor->Clients[--monitor->ClientCount];
        ClientInput.Flush(monitor);
        if (lastWord)
            EndUnstarted(monitor);
    }

    /// <summary>An exec whose engine died or let go before starting it will never be started: no other can reach it. Nor will a container
    /// whose hooks that engine was running.</summary>
    public static void EndUnstarted(MonitorState* monitor)
    {
        if (monitor->StartAsked || (monitor->Listener >= 0 && !monitor->AwaitsHooks))
            return;
        if ((monitor->Plan->Flags & PlanFlags.External) != 0)
            External.Abandon(monitor);
        else
            Kill(monitor->Pid, K.SIGKILL);
    }

    public static void EndInputOfClient(MonitorState* monitor)
    {
        if ((monitor->Plan->Flags & PlanFlags.StdinOnce) != 0)
            monitor->InputEnds = true;
    }

    public static void Broadcast(MonitorState* monitor, Report* report)
    {
        for (int i = 0; i < monitor->ClientCount; i++)
        {
            if (monitor->Clients[i].Role == Packet.Control)
                Send(monitor->Clients[i].Socket, report, sizeof(Report));
        }
    }

    public static void Fail(MonitorState* monitor, Place place, int error, byte* text)
    {
        Report report;
        Tell.Fill(&report, Packet.Failed, place, error < 0 ? -error : error, text);
        Broadcast(monitor, &report);
    }

    /// <summary>Tells a new control connection where things stand.</summary>
    public static void Greet(MonitorState* monitor, int socket)
    {
        Report report;
        if (monitor->Failed)
        {
            Send(socket, &monitor->Failure, sizeof(Report));
            return;
        }
        if (!monitor->Ready)
            return;
        Tell.Fill(&report, monitor->Running ? Packet.Started : Packet.Created, Place.None, monitor->Pid, null);
        report.Seconds = monitor->StartSeconds;
        report.Nanoseconds = monitor->StartNanoseconds;
        Send(socket, &report, sizeof(Report));
    }

    /// <summary>Offers the chunk to all who are attached. Who cannot take it now holds further output back.</summary>
    public static void OfferChunk(MonitorState* monitor, bool onlyPending)
    {
        bool anyPending = false;
        for (int i = monitor->ClientCount - 1; i >= 0; i--)
        {
            Client* client = monitor->Clients + i;
            if (client->Role != Packet.Attach || (onlyPending && !client->Pending))
                continue;
            int sent = Send(client->Socket, monitor->Chunk, monitor->ChunkLength);
            client->Pending = sent == -K.EAGAIN;
            if (sent < 0 && !client->Pending)
                Remove(monitor, i);
            else
                anyPending |= client->Pending;
        }
        if (!anyPending)
            monitor->ChunkLength = 0;
    }

    public static bool AnyPending(MonitorState* monitor)
    {
        for (int i = 0; i < monitor->ClientCount; i++)
        {
            if (monitor->Clients[i].Pending)
                return true;
        }
        return false;
    }

    /// <summary>Drops those who did not read for too long after the end.</summary>
    public static void DropPending(MonitorState* monitor)
    {
        for (int i = monitor->ClientCount - 1; i >= 0; i--)
        {
            if (monitor->Clients[i].Pending)
                Remove(monitor, i);
        }
        monitor->ChunkLength = 0;
    }

    public static int Send(int socket, void* bytes, int count)
    {
        Vector vector = new() { Base = bytes, Length = count };
        MessageHeader message = new() { Vectors = &vector, VectorCount = 1 };
        return SendMessage(socket, &message, SendFlags);
    }
}
