using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>One stream's unfinished line.</summary>
internal unsafe struct Line
{
    public byte* Bytes;
    public int Length;
    public bool Continued;
    public long Seconds, Nanoseconds;
}

/// <summary>Docker's json-file log: one JSON object a line, cut at 16 KiB as Docker's copier does, rotated by size.</summary>
internal unsafe struct Log
{
    public const int LineMax = 16 * 1024;
    public const int OutMax = 32 * 1024;
    private const int PathMax = 4096;
    private const int LockExclusive = 2, LockNotBlocking = 4;

    // How far a file may outgrow twice its limit while names are changed: the work of milliseconds.
    private const int LockedBytesMax = 1024 * 1024;

    public int File;
    public byte* Path;

    /// <summary>A JSON object that goes into every line, or null.</summary>
    public byte* Attributes;
    public long Size, SizeMax;
    public uint FilesMax;
    public byte* Out;
    public int OutLength;

    /// <summary>The file ends in the middle of a line whose rest found no room.</summary>
    public bool IsCut;
    public Line First, Second;

    public static void Open(Log* log, byte* path)
    {
        log->Path = path;
        Reopen(log);
    }

    private static void Reopen(Log* log)
    {
        log->File = Sys.Open(log->Path, K.O_WRONLY | K.O_CREAT | K.O_APPEND | K.O_CLOEXEC, 0x1A0);
        log->Size = log->File < 0 ? 0 : Seek(log->File, 0, 2);
    }

    /// <summary>Takes a piece of a stream; everything finished in it is written before this returns.</summary>
    public static void Feed(Log* log, bool error, byte* bytes, int count)
    {
        Line* line = error ? &log->Second : &log->First;
        for (int i = 0; i < count; i++)
        {
            if (bytes[i] == (byte)'\n')
            {
                Emit(log, line, error, complete: true);
                continue;
            }
            line->Bytes[line->Length++] = bytes[i];
            if (line->Length == LineMax)
                Emit(log, line, error, complete: false);
        }
        Flush(log);
    }

    /// <summary>What is left without an end of line at the end of a stream.</summary>
    public static void Finish(Log* log)
    {
        if (log->First.Length != 0)
            Emit(log, &log->First, error: false, complete: false);
        if (log->Second.Length != 0)
            Emit(log, &log->Second, error: true, complete: false);
        Flush(log);
    }

    private static void Emit(Log* log, Line* line, bool error, bool complete)
    {
        if (log->SizeMax > 0 && log->Size + log->OutLength >= log->SizeMax)
            Rotate(log);
        // The pieces of one line carry the time of the first.
        if (!line->Continued)
            Time(0, &line->Seconds);
        Put(log, Z("{\"log\":\""u8));
        JsonText.Put(log, line->Bytes, line->Length);
        Put(log, complete ? Z("\\n\",\"stream\":\""u8) : Z("\",\"stream\":\""u8));
        Put(log, error ? Z("stderr\""u8) : Z("stdout\""u8));
        if (log->Attributes != null)
        {
            Put(log, Z(",\"attrs\":"u8));
            Put(log, log->Attributes);
        }
        Put(log, Z(",\"time\":\""u8));
        byte* stamp = stackalloc byte[64];
        Clock.Format(stamp, line->Seconds, line->Nanoseconds);
        Put(log, stamp);
        Put(log, Z("\"}\n"u8));
        line->Length = 0;
        line->Continued = !complete;
    }

    public static void Put(Log* log, byte* text)
    {
        for (; *text != 0; text++)
            Put(log, *text);
    }

    public static void Put(Log* log, byte value)
    {
        if (log->OutLength == OutMax)
            Flush(log);
        log->Out[log->OutLength++] = value;
    }

    /// <summary>A full disk loses lines, never the container: what cannot be written is dropped.</summary>
    private static void Flush(Log* log)
    {
        // A full disk may have kept the file from being made when the last one was rotated away.
        if (log->File < 0 && log->OutLength != 0)
            Reopen(log);
        byte end = (byte)'\n';
        if (log->IsCut && WriteAll(log, &end, 1) == 1)
            log->IsCut = false;
        int done = log->IsCut ? 0 : WriteAll(log, log->Out, log->OutLength);
        // What follows begins a line of its own: one that nobody can read must not spoil the next.
        if (done != 0 && done != log->OutLength && log->Out[done - 1] != end)
            log->IsCut = true;
        log->OutLength = 0;
    }

    private static int WriteAll(Log* log, byte* bytes, int count)
    {
        int done = 0;
        while (done < count && log->File >= 0)
        {
            long written = Write(log->File, bytes + done, count - done);
            if (written == -K.EINTR)
                continue;
            if (written <= 0)
                break;
            done += (int)written;
            log->Size += written;
        }
        return done;
    }

    private static void Rotate(Log* log)
    {
        int gate = Gate(log->Path);
        // The engine is about to change names: at the next line, then. A stopped engine does not keep the log from being bounded.
        if (gate >= 0 && Sys.Lock(gate, LockExclusive | LockNotBlocking) < 0 && log->Size < 2 * log->SizeMax + LockedBytesMax)
        {
            Close(gate);
            return;
        }
        Move(log);
        if (gate >= 0)
            Close(gate);
    }

    // Whoever changes names of rotated files holds the lock of the directory they are in, which is there from the beginning.
    private static int Gate(byte* path)
    {
        byte* name = stackalloc byte[PathMax + 32];
        byte* end = Text.Append(name, path);
        while (end > name && *end != (byte)'/')
            end--;
        *end = 0;
        return Sys.Open(name, K.O_DIRECTORY | K.O_CLOEXEC);
    }

    private static void Move(Log* log)
    {
        Flush(log);
        if (log->FilesMax > 1)
        {
            byte* from = stackalloc byte[PathMax + 32];
            byte* to = stackalloc byte[PathMax + 32];
            for (uint i = log->FilesMax - 1; i >= 1; i--)
            {
                // The engine may have compressed some: both forms of a number move, or make room where there is none to move.
                Name(from, log->Path, i - 1, i > 1);
                Name(to, log->Path, i, true);
                if (i == 1 || Rename(from, to) < 0)
                    Unlink(to);
                Name(from, log->Path, i - 1, false);
                Name(to, log->Path, i, false);
                if (Rename(from, to) < 0)
                    Unlink(to);
            }
        }
        if (log->File >= 0)
            Close(log->File);
        log->File = Sys.Open(log->Path, K.O_WRONLY | K.O_CREAT | K.O_TRUNC | K.O_APPEND | K.O_CLOEXEC, 0x1A0);
        log->Size = 0;
    }

    private static void Name(byte* to, byte* path, uint number, bool compressed)
    {
        to = Text.Append(to, path);
        if (number == 0)
            return;
        to = Text.Append(to, Z("."u8));
        to = Text.Append(to, number);
        if (compressed)
            Text.Append(to, Z(".gz"u8));
    }
}

/// <summary>JSON strings as Docker's log writer makes them: <c>&lt; &gt; &amp;</c> and U+2028 are escaped, bad UTF-8 is U+FFFD.</summary>
internal static unsafe class JsonText
{
    public static void Put(Log* log, byte* bytes, int count)
    {
        for (int i = 0; i < count;)
        {
            byte value = bytes[i];
            if (value < 0x80)
            {
                PutAscii(log, value);
                i++;
                continue;
            }
            int length = Utf8Length(bytes + i, count - i);
            if (length == 0)
            {
                Log.Put(log, Z("\\ufffd"u8));
                i++;
            }
            else
            {
                PutRune(log, bytes + i, length);
                i += length;
            }
        }
    }

    private static void PutRune(Log* log, byte* bytes, int length)
    {
        if (length == 3 && bytes[0] == 0xE2 && bytes[1] == 0x80 && (bytes[2] | 1) == 0xA9)
        {
            Log.Put(log, Z("\\u202"u8));
            Log.Put(log, bytes[2] == 0xA8 ? (byte)'8' : (byte)'9');
            return;
        }
        for (int k = 0; k < length; k++)
            Log.Put(log, bytes[k]);
    }

    private static void PutAscii(Log* log, byte value)
    {
        if (value is (byte)'"' or (byte)'\\')
        {
            Log.Put(log, (byte)'\\');
            Log.Put(log, value);
        }
        else if (value == (byte)'\r')
        {
            Log.Put(log, Z("\\r"u8));
        }
        else if (value < 0x20 || value is (byte)'<' or (byte)'>' or (byte)'&')
        {
            Log.Put(log, Z("\\u00"u8));
            Log.Put(log, Hex(value >> 4));
            Log.Put(log, Hex(value & 15));
        }
        else
        {
            Log.Put(log, value);
        }
    }

    private static byte Hex(int digit) => (byte)(digit < 10 ? '0' + digit : 'a' + digit - 10);

    /// <summary>Bytes of the well-formed sequence here, 0 if it is none (RFC 3629, table of Unicode 3-7).</summary>
    private static int Utf8Length(byte* at, int left)
    {
        byte first = at[0];
        int length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
        if (length == 0 || length > left)
            return 0;
        byte low = first == 0xE0 ? (byte)0xA0 : first == 0xF0 ? (byte)0x90 : (byte)0x80;
        byte high = first == 0xED ? (byte)0x9F : first == 0xF4 ? (byte)0x8F : (byte)0xBF;
        if (at[1] < low || at[1] > high)
            return 0;
        for (int i = 2; i < length; i++)
        {
            if ((at[i] & 0xC0) != 0x80)
                return 0;
        }
        return length;
    }
}

/// <summary>Time as Go's RFC3339Nano: UTC, nanoseconds without trailing zeros.</summary>
internal static unsafe class Clock
{
    public static void Format(byte* to, long seconds, long nanoseconds)
    {
        long days = seconds / 86400, rest = seconds % 86400;
        // Howard Hinnant's civil_from_days, for dates after 1970.
        long shifted = days + 719468;
        long era = shifted / 146097, dayOfEra = shifted % 146097;
        long yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
        long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        long monthIndex = (5 * dayOfYear + 2) / 153;
        long day = dayOfYear - (153 * monthIndex + 2) / 5 + 1;
        long month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
        long year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
        to = Text.Append(to, year, 4);
        *to++ = (byte)'-';
        to = Text.Append(to, month, 2);
        *to++ = (byte)'-';
        to = Text.Append(to, day, 2);
        *to++ = (byte)'T';
        to = Text.Append(to, rest / 3600, 2);
        *to++ = (byte)':';
        to = Text.Append(to, rest / 60 % 60, 2);
        *to++ = (byte)':';
        to = Text.Append(to, rest % 60, 2);
        if (nanoseconds != 0)
        {
            *to++ = (byte)'.';
            to = Text.Append(to, nanoseconds, 9);
            while (to[-1] == (byte)'0')
                to--;
        }
        *to++ = (byte)'Z';
        *to = 0;
    }
}
