using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>What engines send to a monitor.</summary>
internal static unsafe class ClientInput
{
    public static void Serve(MonitorState* monitor, int index, int events)
    {
        Client* client = monitor->Clients + index;
        if (client->Pending && (events & (K.POLLOUT | K.POLLERR)) != 0)
        {
            int before = monitor->ClientCount;
            Clients.OfferChunk(monitor, onlyPending: true);
            // The table may have moved: the rest comes with the next round.
            if (before != monitor->ClientCount)
                return;
        }
        if (client->BringsInput && monitor->InputLength > 0)
            return;
        if ((events & (K.POLLIN | K.POLLHUP | K.POLLERR)) != 0)
            Receive(monitor, index);
    }

    private static void Receive(MonitorState* monitor, int index)
    {
        Client* client = monitor->Clients + index;
        // A packet longer than the buffer is cut by the kernel: its sender broke the contract.
        byte* packet = stackalloc byte[8];
        Vector vector = new() { Base = packet, Length = 8 };
        if (client->BringsInput)
            vector = new() { Base = monitor->Input, Length = StageContract.ChunkMax + 1 };
        MessageHeader message = new() { Vectors = &vector, VectorCount = 1 };
        int count = ReceiveMessage(client->Socket, &message, 0x40);
        if (count is -K.EAGAIN or -K.EINTR)
            return;
        if (count <= 0)
        {
            Clients.Remove(monitor, index);
            return;
        }
        Obey(monitor, client, (byte*)vector.Base, count);
    }

    private static void Obey(MonitorState* monitor, Client* client, byte* packet, int count)
    {
        switch ((Packet)packet[0])
        {
            case Packet.Control:
                client->Role = Packet.Control;
                Clients.Greet(monitor, client->Socket);
                break;
            case Packet.Attach:
                client->Role = Packet.Attach;
                client->BringsInput = count > 1 && packet[1] == 1;
                // An answer: from here on all output comes.
                Clients.Send(client->Socket, packet, 1);
                break;
            case Packet.Start when client->Role == Packet.Control && monitor->Ready && !monitor->StartAsked:
                monitor->StartAsked = true;
                if ((monitor->Plan->Flags & PlanFlags.External) != 0)
                    External.Start(monitor);
                else
                    Write(monitor->Sync, Z("s"u8), 1);
                break;
            case Packet.Proceed when client->Role == Packet.Control && monitor->AwaitsHooks:
                monitor->AwaitsHooks = false;
                Write(monitor->Sync, Z("h"u8), 1);
                break;
            case Packet.Release when client->Role == Packet.Control:
                Clients.EndUnstarted(monitor);
                break;
            case Packet.Resize when count >= 5 && monitor->Master >= 0:
                Terminals.SetSize(monitor->Master, *(ushort*)(packet + 1), *(ushort*)(packet + 3));
                break;
            case Packet.Input when client->BringsInput && count > 1:
                monitor->InputLength = count - 1;
                monitor->InputDone = 0;
                Flush(monitor);
                break;
            case Packet.CloseInput when client->BringsInput:
                Clients.EndInputOfClient(monitor);
                Flush(monitor);
                break;
        }
    }

    /// <summary>Hands input on as far as the process takes it now; closes its input when that is over.</summary>
    public static void Flush(MonitorState* monitor)
    {
        while (monitor->InputLength > monitor->InputDone && monitor->In >= 0)
        {
            long written = Write(monitor->In, monitor->Input + 1 + monitor->InputDone, monitor->InputLength - monitor->InputDone);
            if (written == -K.EAGAIN)
                return;
            if (written == -K.EINTR)
                continue;
            if (written < 0)
            {
                CloseInput(monitor);
                break;
            }
            monitor->InputDone += (int)written;
        }
        monitor->InputLength = monitor->InputDone = 0;
        // A terminal has no half: its input ends with its session.
        if (monitor->InputEnds && monitor->Master < 0)
            CloseInput(monitor);
    }

    private static void CloseInput(MonitorState* monitor)
    {
        if (monitor->In >= 0)
            Close(monitor->In);
        monitor->In = -1;
    }
}
