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
    public const int OutMax = 64 * 1024;
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

    /// <summary>The time of the last line of the piece at hand, once it is taken.</summary>
    public long Seconds, Nanoseconds;
    public bool IsTimed;

    /// <summary><see cref="StampSeconds"/> as text, up to the fraction; without length: not there yet.</summary>
    public fixed byte Stamp[24];
    public int StampLength;
    public long StampSeconds;

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
        log->IsTimed = false;
        while (count > 0)
        {
            int most = Math.Min(count, LineMax - line->Length);
            int found = Text.Find(bytes, most, (byte)'\n');
            bool isWhole = found >= 0;
            int length = isWhole ? found : most;
            if (line->Length == 0 && (isWhole || length == LineMax))
            {
                // A line that lies in this piece as a whole is written from there.
                Emit(log, line, error, bytes, length, isWhole);
            }
            else
            {
                Text.Copy(line->Bytes + line->Length, bytes, length);
                line->Length += length;
                if (isWhole || line->Length == LineMax)
                    Emit(log, line, error, line->Bytes, line->Length, isWhole);
            }
            int taken = isWhole ? length + 1 : length;
            bytes += taken;
            count -= taken;
        }
        Flush(log);
    }

    /// <summary>What is left without an end of line at the end of a stream.</summary>
    public static void Finish(Log* log)
    {
        log->IsTimed = false;
        if (log->First.Length != 0)
            Emit(log, &log->First, error: false, log->First.Bytes, log->First.Length, complete: false);
        if (log->Second.Length != 0)
            Emit(log, &log->Second, error: true, log->Second.Bytes, log->Second.Length, complete: false);
        Flush(log);
    }

    private static void Emit(Log* log, Line* line, bool error, byte* bytes, int length, bool complete)
    {
        if (log->SizeMax > 0 && log->Size + log->OutLength >= log->SizeMax)
            Rotate(log);
        // The pieces of one line carry the time of the first.
        if (!line->Continued)
            SetTime(log, line);
        Put(log, Z("{\"log\":\""u8), 8);
        JsonText.Put(log, bytes, length);
        if (complete)
            Put(log, Z("\\n"u8), 2);
        Put(log, error ? Z("\",\"stream\":\"stderr\""u8) : Z("\",\"stream\":\"stdout\""u8), 19);
        if (log->Attributes != null)
        {
            Put(log, Z(",\"attrs\":"u8), 9);
            Put(log, log->Attributes, Text.Length(log->Attributes));
        }
        Put(log, Z(",\"time\":\""u8), 9);
        PutTime(log, line);
        Put(log, Z("\"}\n"u8), 3);
        line->Length = 0;
        line->Continued = !complete;
    }

    /// <summary>What was read at once came at one time; its lines are a nanosecond apart, for readers that go on after the last time
    /// they know.</summary>
    private static void SetTime(Log* log, Line* line)
    {
        if (!log->IsTimed)
        {
            Time(0, &log->Seconds);
            log->IsTimed = true;
        }
        else if (++log->Nanoseconds == 1_000_000_000)
        {
            log->Nanoseconds = 0;
            log->Seconds++;
        }
        line->Seconds = log->Seconds;
        line->Nanoseconds = log->Nanoseconds;
    }

    private static void PutTime(Log* log, Line* line)
    {
        if (log->StampLength == 0 || log->StampSeconds != line->Seconds)
        {
            log->StampLength = (int)(Clock.FormatSeconds(log->Stamp, line->Seconds) - log->Stamp);
            log->StampSeconds = line->Seconds;
        }
        Put(log, log->Stamp, log->StampLength);
        byte* rest = stackalloc byte[16];
        Put(log, rest, (int)(Clock.FormatRest(rest, line->Nanoseconds) - rest));
    }

    /// <summary>Where that many bytes may be written, at most <see cref="OutMax"/>; what is written counts once <see cref="OutLength"/>
    /// says so.</summary>
    public static byte* Room(Log* log, int count)
    {
        if (log->OutLength + count > OutMax)
            Flush(log);
        return log->Out + log->OutLength;
    }

    public static void Put(Log* log, byte* text, int count)
    {
        while (count > 0)
        {
            int part = Math.Min(count, OutMax);
            Text.Copy(Room(log, part), text, part);
            log->OutLength += part;
            text += part;
            count -= part;
        }
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
    // Bytes looked at for one question whether there is room, and what each may become at most.
    private const int BlockMax = 512;
    private const int EscapeMax = 6;
    private const ulong Ones = 0x0101010101010101, Highs = 0x8080808080808080;

    public static void Put(Log* log, byte* bytes, int count)
    {
        for (int i = 0; i < count;)
        {
            byte* start = Log.Room(log, (BlockMax + sizeof(ulong)) * EscapeMax);
            byte* to = start;
            for (int end = Math.Min(count, i + BlockMax); i < end;)
            {
                // Eight plain bytes at a time, as most are.
                if (i + sizeof(ulong) <= end && IsPlain(*(ulong*)(bytes + i)))
                {
                    *(ulong*)to = *(ulong*)(bytes + i);
                    to += sizeof(ulong);
                    i += sizeof(ulong);
                    continue;
                }
                byte value = bytes[i];
                if (value < 0x80)
                {
                    to = PutAscii(to, value);
                    i++;
                    continue;
                }
                int length = Utf8Length(bytes + i, count - i);
                to = PutRune(to, bytes + i, length);
                i += Math.Max(length, 1);
            }
            log->OutLength += (int)(to - start);
        }
    }

    /// <summary>Whether all eight bytes are ASCII that stands for itself.</summary>
    private static bool IsPlain(ulong bytes) =>
        ((bytes | bytes - Ones * 0x20 & ~bytes // Beyond ASCII, or control characters.
            | Zeros(bytes ^ Ones * '"') | Zeros(bytes ^ Ones * '\\')
            | Zeros(bytes ^ Ones * '<') | Zeros(bytes ^ Ones * '>') | Zeros(bytes ^ Ones * '&')) & Highs) == 0;

    // The high bit of a byte that is zero; those above the lowest such byte may be wrong, which a question for any does not mind.
    private static ulong Zeros(ulong bytes) => bytes - Ones & ~bytes;

    private static byte* PutRune(byte* to, byte* bytes, int length)
    {
        if (length == 0)
            return Text.Append(to, Z("\\ufffd"u8));
        if (length == 3 && bytes[0] == 0xE2 && bytes[1] == 0x80 && (bytes[2] | 1) == 0xA9)
        {
            to = Text.Append(to, Z("\\u202"u8));
            *to++ = bytes[2] == 0xA8 ? (byte)'8' : (byte)'9';
            return to;
        }
        for (int k = 0; k < length; k++)
            *to++ = bytes[k];
        return to;
    }

    private static byte* PutAscii(byte* to, byte value)
    {
        if (value is (byte)'"' or (byte)'\\')
        {
            *to++ = (byte)'\\';
            *to++ = value;
        }
        else if (value == (byte)'\r')
        {
            to = Text.Append(to, Z("\\r"u8));
        }
        else if (value < 0x20 || value is (byte)'<' or (byte)'>' or (byte)'&')
        {
            to = Text.Append(to, Z("\\u00"u8));
            *to++ = Hex(value >> 4);
            *to++ = Hex(value & 15);
        }
        else
        {
            *to++ = value;
        }
        return to;
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
    /// <summary>Up to the seconds, nineteen bytes in our times; returns the end.</summary>
    public static byte* FormatSeconds(byte* to, long seconds)
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
        return to;
    }

    /// <summary>The fraction and the zone, at most eleven bytes; returns the end.</summary>
    public static byte* FormatRest(byte* to, long nanoseconds)
    {
        if (nanoseconds != 0)
        {
            *to = (byte)'.';
            uint left = (uint)nanoseconds;
            for (int i = 9; i > 0; i--, left /= 10)
                to[i] = (byte)('0' + left % 10);
            to += 10;
            while (to[-1] == (byte)'0')
                to--;
        }
        *to++ = (byte)'Z';
        return to;
    }
}
