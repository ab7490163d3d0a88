using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>What a monitor does for as long as its process lives.</summary>
internal static unsafe class MonitorLoop
{
    private const int FixedEntries = 7;
    private const int SlowReaderMilliseconds = 10_000;
    private const int TerminalRetryMilliseconds = 500;

    public static void Run(MonitorState* monitor)
    {
        PollEntry* entries = stackalloc PollEntry[FixedEntries + StageContract.ClientsMax];
        while (true)
        {
            int count = Watch(monitor, entries);
            int timeout = Timeout(monitor);
            int ready = Poll(entries, count, timeout);
            if (ready == 0 && timeout >= 0)
                OnTimeout(monitor);
            if (ready > 0)
                Serve(monitor, entries, count);
            if (monitor->Ended && Drained(monitor))
                break;
        }
        Finish(monitor);
    }

    private static int Timeout(MonitorState* monitor)
    {
        if (!monitor->Ended)
            return monitor->TerminalIdle ? TerminalRetryMilliseconds : -1;
        if (Clients.AnyPending(monitor))
            return SlowReaderMilliseconds;
        return (monitor->Plan->Flags & PlanFlags.PrivateProcesses) != 0 && monitor->Master < 0
            ? 0 : (int)monitor->Plan->DrainMilliseconds;
    }

    /// <summary>After the end: nobody reads, or somebody else holds the output open without writing.</summary>
    private static void OnTimeout(MonitorState* monitor)
    {
        if (!monitor->Ended)
        {
            monitor->TerminalIdle = false;
            return;
        }
        if (Clients.AnyPending(monitor))
        {
            Clients.DropPending(monitor);
            return;
        }
        CloseOutputs(monitor);
    }

    private static bool Drained(MonitorState* monitor) =>
        monitor->Out < 0 && monitor->Err < 0 && !Clients.AnyPending(monitor);

    private static int Watch(MonitorState* monitor, PollEntry* entries)
    {
        bool held = monitor->HoldsOutput || Clients.AnyPending(monitor);
        entries[0] = Entry(monitor->Signals, K.POLLIN, !monitor->Ended);
        entries[1] = Entry(monitor->Listener, K.POLLIN, monitor->ClientCount < StageContract.ClientsMax);
        entries[2] = Entry(monitor->Sync, K.POLLIN, true);
        entries[3] = Entry(monitor->Out, K.POLLIN, !held && (!monitor->TerminalIdle || monitor->Ended));
        entries[4] = Entry(monitor->Err, K.POLLIN, !held);
        entries[5] = Entry(monitor->In, K.POLLOUT, monitor->InputLength > 0);
        entries[6] = Entry(monitor->MemoryEvents, K.POLLPRI, true);
        for (int i = 0; i < monitor->ClientCount; i++)
        {
            Client* client = monitor->Clients + i;
            bool listens = !(client->BringsInput && monitor->InputLength > 0);
            int events = (listens ? K.POLLIN : 0) | (client->Pending ? K.POLLOUT : 0);
            entries[FixedEntries + i] = Entry(client->Socket, events, events != 0);
        }
        return FixedEntries + monitor->ClientCount;
    }

    private static PollEntry Entry(int descriptor, int events, bool wanted) =>
        new() { Descriptor = wanted ? descriptor : -1, Events = (short)events };

    private static void Serve(MonitorState* monitor, PollEntry* entries, int count)
    {
        // The child's words come before its end, and an engine's input before the listener changes the table.
        if (entries[2].Returned != 0)
            HearMaking(monitor);
        for (int i = count - FixedEntries - 1; i >= 0; i--)
        {
            if (entries[FixedEntries + i].Returned != 0 && i < monitor->ClientCount
                && monitor->Clients[i].Socket == entries[FixedEntries + i].Descriptor)
                ClientInput.Serve(monitor, i, entries[FixedEntries + i].Returned);
        }
        if (entries[5].Returned != 0)
            ClientInput.Flush(monitor);
        if (entries[3].Returned != 0)
            ReadOutput(monitor, &monitor->Out, Packet.Output);
        if (entries[4].Returned != 0 && !Clients.AnyPending(monitor))
            ReadOutput(monitor, &monitor->Err, Packet.Error);
        // Before the end is known: the group goes with it.
        if (entries[6].Returned != 0 || entries[0].Returned != 0)
            MemoryWatch.Look(monitor);
        if (entries[0].Returned != 0)
            Reap(monitor);
        if (entries[1].Returned != 0)
            Clients.Accept(monitor);
    }

    private static void HearMaking(MonitorState* monitor)
    {
        if ((monitor->Plan->Flags & PlanFlags.External) != 0)
            ExternalConsole.Serve(monitor);
        else
            ReadChild(monitor);
    }

    private static void ReadOutput(MonitorState* monitor, int* source, Packet kind)
    {
        if (*source < 0 || Clients.AnyPending(monitor))
            return;
        long count = Read(*source, monitor->Chunk + 1, StageContract.ChunkMax);
        if (count == -K.EAGAIN || count == -K.EINTR)
            return;
        if (count <= 0)
        {
            // Nobody has the terminal open just now; the process still may open it again.
            if (*source == monitor->Master && !monitor->Ended)
                monitor->TerminalIdle = true;
            else
                CloseOutput(source);
            return;
        }
        monitor->Chunk[0] = (byte)kind;
        monitor->ChunkLength = (int)count + 1;
        if (monitor->Log.File >= 0)
            Log.Feed(&monitor->Log, kind == Packet.Error, monitor->Chunk + 1, (int)count);
        Clients.OfferChunk(monitor, onlyPending: false);
    }

    public static void CloseOutputs(MonitorState* monitor)
    {
        CloseOutput(&monitor->Out);
        CloseOutput(&monitor->Err);
    }

    private static void CloseOutput(int* source)
    {
        if (*source >= 0)
            Close(*source);
        *source = -1;
    }

    /// <summary>Reports of the process in the making; the end of its socket says that execve has closed it. False: nothing to read.
    /// </summary>
    private static bool ReadChild(MonitorState* monitor)
    {
        Report report;
        ControlRights rights;
        Text.Zero(&rights, sizeof(ControlRights));
        Vector vector = new() { Base = &report, Length = sizeof(Report) };
        MessageHeader message = new()
        {
            Vectors = &vector, VectorCount = 1, Control = &rights, ControlLength = sizeof(ControlRights),
        };
        int count = ReceiveMessage(monitor->Sync, &message, 0x40000000);
        if (count is -K.EAGAIN or -K.EINTR)
            return count == -K.EINTR;
        if (count != sizeof(Report))
            ChildExecutes(monitor);
        else
            Hear(monitor, &report, rights.Type == 1 && message.ControlLength > 0 ? rights.Descriptor : -1);
        return true;
    }

    private static void Hear(MonitorState* monitor, Report* report, int descriptor)
    {
        if (report->Kind == Packet.Attach)
        {
            TakeTerminal(monitor, descriptor);
            return;
        }
        if (report->Kind == Packet.Born)
        {
            Birth.Take(monitor, report);
            return;
        }
        if (report->Kind == Packet.Full)
        {
            Birth.MakeRoom(monitor);
            return;
        }
        if (report->Kind == Packet.Namespaces)
        {
            monitor->AwaitsHooks = true;
            report->Value = monitor->Pid;
        }
        if (report->Kind == Packet.Created)
        {
            monitor->Ready = true;
            report->Value = monitor->Pid;
        }
        if (report->Kind == Packet.Failed)
        {
            monitor->Failed = true;
            monitor->Failure = *report;
        }
        Clients.Broadcast(monitor, report);
    }

    public static void TakeTerminal(MonitorState* monitor, int descriptor)
    {
        monitor->Master = descriptor;
        Fcntl(descriptor, 4, K.O_RDWR | K.O_NONBLOCK);
        monitor->Out = descriptor;
        monitor->In = Fcntl(descriptor, 1030, 0);
    }

    private static void ChildExecutes(MonitorState* monitor)
    {
        Close(monitor->Sync);
        monitor->Sync = -1;
        if (monitor->Failed || !monitor->StartAsked)
            return;
        TellStarted(monitor);
    }

    public static void TellStarted(MonitorState* monitor)
    {
        monitor->Running = true;
        Time(0, &monitor->StartSeconds);
        Report report;
        Tell.Fill(&report, Packet.Started, Place.None, monitor->Pid, null);
        report.Seconds = monitor->StartSeconds;
        report.Nanoseconds = monitor->StartNanoseconds;
        Clients.Broadcast(monitor, &report);
    }

    private static void Reap(MonitorState* monitor)
    {
        byte* information = stackalloc byte[128];
        while (Read(monitor->Signals, information, 128) == 128)
        {
        }
        if ((monitor->Plan->Flags & PlanFlags.External) != 0)
        {
            External.Reap(monitor);
            return;
        }
        int status;
        int ended;
        while ((ended = Wait(-1, &status, 1)) > 0)
        {
            if (ended != monitor->Pid)
                continue;
            // Its last words may have come with its end.
            while (monitor->Sync >= 0 && !monitor->Failed && ended == monitor->Pid && ReadChild(monitor))
            {
            }
            if (ended != monitor->Pid)
                continue; // An exec's first child: the one that counts is born.
            SetEnd(monitor, status);
        }
    }

    public static void SetEnd(MonitorState* monitor, int status)
    {
        monitor->Ended = true;
        monitor->ExitCode = (status & 0x7F) == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F);
        Time(0, &monitor->ExitSeconds);
    }

    /// <summary>Everything is read and offered: close the log, record, tell, go.</summary>
    private static void Finish(MonitorState* monitor)
    {
        if (monitor->Log.File >= 0)
            Log.Finish(&monitor->Log);
        if (monitor->Plan->RunDirectory != 0 && monitor->Running)
            Record(monitor);
        byte end = (byte)Packet.End;
        Report report;
        Tell.Fill(&report, Packet.Exited, Place.None, monitor->ExitCode, null);
        report.Seconds = monitor->ExitSeconds;
        report.Nanoseconds = monitor->ExitNanoseconds;
        Vector vector = new() { Base = monitor->Input, Length = StageContract.ChunkMax };
        MessageHeader message = new() { Vectors = &vector, VectorCount = 1 };
        for (int i = 0; i < monitor->ClientCount; i++)
        {
            Client* client = monitor->Clients + i;
            // Unread input would turn our last packets into a connection reset at the other side.
            while (ReceiveMessage(client->Socket, &message, 0x40) > 0)
            {
            }
            if (client->Role == Packet.Attach)
                Clients.Send(client->Socket, &end, 1);
            else
                Clients.Send(client->Socket, &report, sizeof(Report));
        }
    }

    /// <summary>By rename, so that whoever finds the record finds all of it.</summary>
    private static void Record(MonitorState* monitor)
    {
        byte* line = stackalloc byte[160];
        byte* end = Text.Append(line, monitor->ExitCode);
        end = Text.Append(Text.Append(end, Z(" "u8)), monitor->ExitSeconds);
        end = Text.Append(Text.Append(end, Z(" "u8)), monitor->ExitNanoseconds);
        end = Text.Append(Text.Append(end, Z(" "u8)), monitor->StartSeconds);
        end = Text.Append(Text.Append(end, Z(" "u8)), monitor->StartNanoseconds);
        int file = Open(Z("exit.new"u8), K.O_WRONLY | K.O_CREAT | K.O_TRUNC | K.O_CLOEXEC, 0x180);
        if (file < 0)
            return;
        Write(file, line, end - line);
        Close(file);
        Rename(Z("exit.new"u8), Z("exit"u8));
    }
}
