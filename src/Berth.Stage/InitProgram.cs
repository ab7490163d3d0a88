using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>The tiny init as a program of its own, which containers of other runtimes get as their process 1.</summary>
internal static unsafe class InitProgram
{
    private const int NotFound = 127;
    private const int NotExecutable = 126;
    private const ulong ForegroundGroup = 0x540F; // TIOCGPGRP

    /// <summary>Starts the program, and stays to reap and to forward signals.</summary>
    public static void Run(byte** arguments, byte** environment)
    {
        ulong all = ulong.MaxValue;
        SignalMask(2, &all);
        int group;
        bool terminal = Ioctl(0, ForegroundGroup, &group) >= 0;
        TinyInit.SetName();
        int pid = Fork();
        if (pid < 0)
            Exit(NotExecutable);
        if (pid == 0)
        {
            TinyInit.BecomeForeground(terminal);
            Become(arguments, environment);
        }
        TinyInit.Stay(pid, terminal);
    }

    // As execvp(3) looks for it.
    private static void Become(byte** arguments, byte** environment)
    {
        byte* name = arguments[0];
        int error = ProgramSearch.HasSlash(name) ? Execute(name, arguments, environment) : -K.ENOENT;
        byte* path = ProgramSearch.HasSlash(name) ? null : PathIn(environment);
        byte* candidate = stackalloc byte[ProgramSearch.PathMax];
        while (path != null && ProgramSearch.Next(&path, name, candidate))
        {
            int result = Execute(candidate, arguments, environment);
            if (result != -K.ENOENT)
                error = result;
        }
        Say(Z("init: "u8));
        Say(name);
        Say(error == -K.ENOENT ? Z(": executable file not found in $PATH\n"u8) : Z(": cannot be executed\n"u8));
        Exit(error == -K.ENOENT ? NotFound : NotExecutable);
    }

    private static byte* PathIn(byte** environment)
    {
        byte* prefix = Z("PATH="u8);
        for (; *environment != null; environment++)
        {
            int i = 0;
            while (prefix[i] != 0 && (*environment)[i] == prefix[i])
                i++;
            if (prefix[i] == 0)
                return *environment + i;
        }
        return null;
    }

    private static void Say(byte* text) => Write(2, text, Text.Length(text));
}
