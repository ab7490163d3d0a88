using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>Watches a cgroup's <c>memory.events</c>: where somebody else removes the group with its last process, what the kernel killed
/// there has to be known before.</summary>
/// <remarks>Kernel documentation, admin-guide/cgroup-v2, "memory.events": a change is told by poll(2) with POLLPRI.</remarks>
internal static unsafe class MemoryWatch
{
    private const int EventsMax = 512;

    /// <summary>Reads the counts, which also makes the next change be told.</summary>
    public static void Look(MonitorState* monitor)
    {
        if (monitor->MemoryEvents < 0)
            return;
        byte* text = stackalloc byte[EventsMax];
        long count = ReadAt(monitor->MemoryEvents, text, EventsMax - 1, 0);
        bool killed = count > 0 && HasKilled(text, (int)count);
        if (count > 0 && !killed)
            return;
        // Gone, or all there is to say.
        Close(monitor->MemoryEvents);
        monitor->MemoryEvents = -1;
        if (!killed)
            return;
        int file = Open(Z("oom"u8), K.O_WRONLY | K.O_CREAT | K.O_CLOEXEC, 0x180);
        if (file >= 0)
            Close(file);
    }

    /// <summary>A line "oom_kill N" of which N is not 0.</summary>
    private static bool HasKilled(byte* text, int count)
    {
        byte* name = Z("oom_kill "u8);
        int length = Text.Length(name);
        for (int line = 0; line + length < count; line++)
        {
            int same = 0;
            while (same < length && text[line + same] == name[same])
                same++;
            if (same == length)
                return text[line + length] is > (byte)'0' and <= (byte)'9';
            while (line < count && text[line] != (byte)'\n')
                line++;
        }
        return false;
    }
}
