using System.Runtime;
using System.Runtime.InteropServices;

namespace Berth.Stage;

/// <summary>Where the program begins: the linker puts this before the real main, which starts the .NET runtime.</summary>
/// <remarks>docs/adr/0001-first-process.md says how and why. Nothing from here but <c>real_main</c> may need the runtime.</remarks>
internal static unsafe partial class Entry
{
    [RuntimeExport("__wrap_main")]
    public static int Main(int count, byte** arguments, byte** environment)
    {
        if (count > 1 && Text.Same(arguments[1], Sys.Z("@monitor"u8)))
            Sys.Exit(Monitor.Run());
        if (count > 1 && Text.Same(arguments[1], Sys.Z("@process"u8)))
            Sys.Exit(Unmonitored.Run());
        if (count > 1 && Text.Same(arguments[1], Sys.Z("@namespace"u8)))
            Sys.Exit(Unmonitored.HoldUserNamespace());
        if (count > 1 && Text.Same(arguments[1], Sys.Z("@scope"u8)))
            Sys.Exit(Unmonitored.HoldPlace());
        if (count > 1 && Text.Same(arguments[1], Sys.Z("@hold"u8)))
            Sys.Exit(Rootless.Hold());
        if (count > 4 && Text.Same(arguments[1], Sys.Z("@join"u8)))
            Sys.Exit(Rootless.Join(arguments + 2, environment));
        if (count > 2 && Text.Same(arguments[1], Sys.Z("@init"u8)))
            InitProgram.Run(arguments + 2, environment);
        OpenStreams();
        StartDescriptors.Note();
        return real_main(count, arguments, environment);
    }

    /// <summary>A caller may have closed 0, 1 or 2: what is opened next must not become a container's stream.</summary>
    private static void OpenStreams()
    {
        for (int stream = 0; stream < 3; stream++)
        {
            if (Sys.Fcntl(stream, 1, 0) == -K.EBADF)
                Sys.Open(Sys.Z("/dev/null"u8), K.O_RDWR);
        }
    }

    [LibraryImport("libc", EntryPoint = "__real_main"), SuppressGCTransition]
    private static partial int real_main(int count, byte** arguments, byte** environment);
}
