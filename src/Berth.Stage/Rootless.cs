using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>The namespaces of an engine that an ordinary user runs (docs/adr/0018-rootless-engine.md): one process holds them, engines
/// come and go. Only a process with one thread may do either, so it is done before the .NET runtime starts.</summary>
internal static unsafe class Rootless
{
    /// <summary>Makes a user namespace and in it a mount and a network namespace; holds them when the maps are written, until it is killed.
    /// </summary>
    /// <remarks>Standard input is a socket to the maker: it gets a byte when the namespaces are there, answers with one when the maps are
    /// written, and gets one when all is done. A maker that goes away before takes this with it.</remarks>
    public static int Hold()
    {
        byte word = (byte)'u';
        if (Unshare(K.CLONE_NEWUSER | K.CLONE_NEWNS | K.CLONE_NEWNET) < 0)
            return 1;
        Write(0, &word, 1);
        if (Read(0, &word, 1) != 1)
            return 1;
        // The host's mounts go on to appear in here, ours never there.
        if (Sys.Mount(Z("none"u8), Z("/"u8), null, K.MS_REC | K.MS_SLAVE, null) < 0)
            return 1;
        Write(0, &word, 1);
        Close(0);
        while (true)
            Poll(null, 0, -1);
    }

    /// <summary>Joins the user and mount namespaces of a process and becomes a program, which is root in there.</summary>
    /// <param name="arguments">The process's number, the program, and its arguments from the zeroth on.</param>
    /// <param name="environment">The program's environment.</param>
    public static int Join(byte** arguments, byte** environment)
    {
        int user = OpenNamespace(arguments[0], Z("/ns/user"u8));
        int mounts = OpenNamespace(arguments[0], Z("/ns/mnt"u8));
        if (user < 0 || mounts < 0 || SetNamespace(user, K.CLONE_NEWUSER) < 0 || SetNamespace(mounts, K.CLONE_NEWNS) < 0)
        {
            Say(Z("berthd: the namespaces of the holder cannot be joined\n"u8));
            return 1;
        }
        Execute(arguments[1], arguments + 2, environment);
        Say(Z("berthd: the daemon cannot be executed in its namespaces\n"u8));
        return 1;
    }

    private static int OpenNamespace(byte* pid, byte* name)
    {
        byte* path = stackalloc byte[64];
        byte* end = Text.Append(path, Z("/proc/"u8));
        for (int i = 0; pid[i] != 0 && i < 16; i++)
            *end++ = pid[i];
        Text.Append(end, name);
        return Open(path, K.O_CLOEXEC);
    }

    private static void Say(byte* text) => Write(2, text, Text.Length(text));
}
