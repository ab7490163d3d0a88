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
        return real_main(count, arguments, environment);
    }

    [LibraryImport("libc", EntryPoint = "__real_main"), SuppressGCTransition]
    private static partial int real_main(int count, byte** arguments, byte** environment);
}
