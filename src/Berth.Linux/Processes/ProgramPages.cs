using System.Globalization;
using System.Runtime.InteropServices;

namespace Berth.Linux.Processes;

/// <summary>The pages of program code that this process has mapped: they can be let go while nothing runs.</summary>
public static partial class ProgramPages
{
    private const int MADV_DONTNEED = 4;

    /// <summary>Lets go of all clean pages of program code. They stay in the page cache, where the kernel can take them for others;
    /// what runs next is mapped again at its first instruction, 64 KiB at a time.</summary>
    /// <returns>Bytes that were mapped and are not any more.</returns>
    /// <remarks>madvise(2), MADV_DONTNEED: a private mapping of a file is read from the file again. A mapping in which anything was
    /// written (a breakpoint, a relocation) would lose it and is left alone. proc_pid_smaps(5).</remarks>
    public static long Release()
    {
        long released = 0;
        Mapping mapping = default;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (Mapping.TryParse(line, out Mapping next))
            {
                released += mapping.Release();
                mapping = next;
            }
            else
                mapping.Note(line);
        }
        return released + mapping.Release();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int madvise(nint address, nint length, int advice);

    private struct Mapping
    {
        private nint _start;
        private nint _length;
        private bool _isCode;
        private long _residentKib;
        private long _dirtyKib;

        /// <summary>A mapping's first line: <c>00400000-00405000 r-xp 00005000 fe:00 5311238   /usr/bin/x</c>.</summary>
        public static bool TryParse(string line, out Mapping mapping)
        {
            mapping = default;
            ReadOnlySpan<char> text = line;
            int dash = text.IndexOf('-');
            int blank = text.IndexOf(' ');
            if (dash <= 0 || blank < dash || !TryHex(text[..dash], out nint start) || !TryHex(text[(dash + 1)..blank], out nint end))
                return false;
            bool isCode = text[(blank + 1)..].StartsWith("r-xp ", StringComparison.Ordinal)
                && text.Contains(" /", StringComparison.Ordinal);
            mapping = new Mapping { _start = start, _length = end - start, _isCode = isCode };
            return true;
        }

        public void Note(ReadOnlySpan<char> line)
        {
            if (line.StartsWith("Rss:", StringComparison.Ordinal))
                _residentKib = Kib(line);
            else if (line.StartsWith("Private_Dirty:", StringComparison.Ordinal) || line.StartsWith("Anonymous:", StringComparison.Ordinal))
                _dirtyKib += Kib(line);
        }

        public readonly long Release() =>
            _isCode && _dirtyKib == 0 && _residentKib > 0 && madvise(_start, _length, MADV_DONTNEED) == 0 ? _residentKib * 1024 : 0;

        private static bool TryHex(ReadOnlySpan<char> text, out nint value) =>
            nint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

        private static long Kib(ReadOnlySpan<char> line)
        {
            ReadOnlySpan<char> value = line[(line.IndexOf(':') + 1)..].Trim();
            return long.TryParse(value[..Math.Max(0, value.IndexOf(' '))], out long kib) ? kib : 0;
        }
    }
}
