using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>Docker's <c>--init</c>: process 1 stays this program, reaps whatever ends and forwards signals to the real one.</summary>
internal static unsafe class TinyInit
{
    /// <summary>Returns in the new child, which becomes the program; never in process 1.</summary>
    public static void Split(Child* child, bool terminal)
    {
        ulong all = ulong.MaxValue;
        SignalMask(2, &all);
        SetName();
        int pid = Fork();
        Tell.Check(child, pid, Place.Clone, Z("init"u8));
        if (pid == 0)
        {
            BecomeForeground(terminal);
            return;
        }
        // What is confined may neither signal nor look at what is not: process 1 is confined as the program is.
        if (child->InitLabel >= 0)
        {
            byte* label = child->At(child->Plan->InitLabel);
            Tell.Check(child, Write(child->InitLabel, label, Text.Length(label)), Place.Label, label);
            Close(child->InitLabel);
        }
        Close(child->Sync);
        Stay(pid, terminal);
    }

    /// <summary>Before there is a program that could look: it finds an init. The program's own name comes with its execution.</summary>
    public static void SetName() => Control(K.PR_SET_NAME, (ulong)Z("init"u8));

    /// <summary>In the new child: a process group of its own, the terminal's, and no signal blocked.</summary>
    public static void BecomeForeground(bool terminal)
    {
        SetProcessGroup(0, 0);
        int group = GetPid();
        // All signals are blocked: taking the foreground cannot stop us (SIGTTOU).
        if (terminal)
            Ioctl(0, K.TIOCSPGRP, &group);
        ulong none = 0;
        SignalMask(2, &none);
    }

    /// <summary>In process 1, until the program has ended.</summary>
    public static void Stay(int pid, bool terminal)
    {
        // The program's streams are its own: ours would keep its pipes open. A terminal stays, or its session would hang up.
        if (!terminal)
            CloseRange(0, 2, 0);
        Serve(pid);
    }

    private static void Serve(int program)
    {
        ulong all = ulong.MaxValue;
        SignalInfoKernel info;
        while (true)
        {
            int signal = AwaitSignal(&all, &info);
            if (signal == K.SIGCHLD)
                Reap(program);
            else if (signal > 0)
                Kill(program, signal);
        }
    }

    private static void Reap(int program)
    {
        int status;
        int ended;
        while ((ended = Wait(-1, &status, 1)) > 0)
        {
            if (ended == program)
                Exit((status & 0x7F) == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F));
        }
    }
}
