using System.Globalization;
using System.Text;

namespace Berth.Stage.Tests;

/// <summary>The json-file log: what a monitor writes of a stream, beside what a slow reading of the rules makes of it.</summary>
public sealed unsafe class LogTests : IDisposable
{
    private const string Attributes = "{\"tag\":\"a long one, of more than eight bytes\"}";
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 7)]
    [InlineData(3, 600)]
    [InlineData(4, 70_000)]
    public void Lines_OfRandomBytesInRandomPieces_AreEscapedAndCut(int seed, int pieceMax)
    {
        Random random = new(seed);
        byte[] stream = Mixed(random, pieceMax == 1 ? 60_000 : 500_000);
        List<(byte[] Bytes, bool IsError)> pieces = [];
        for (int at = 0; at < stream.Length;)
        {
            int count = Math.Min(random.Next(1, pieceMax + 1), stream.Length - at);
            pieces.Add((stream[at..(at + count)], random.Next(4) == 0));
            at += count;
        }
        AssertWritten(pieces);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(Log.LineMax)]
    [InlineData(Log.LineMax - 1)]
    [InlineData(Log.LineMax + 1)]
    public void Lines_AboutAsLongAsTheyMayBe_AreCutThere(int beyond)
    {
        byte[] line = [.. Enumerable.Repeat((byte)'x', Log.LineMax + beyond), (byte)'\n', (byte)'y', (byte)'\n'];
        AssertWritten([(line, false)]);
        AssertWritten([(line[..5], false), (line[5..], false)]);
        AssertWritten([(line[..^3], false), (line[^3..], false)]);
    }

    [Fact]
    public void Bytes_EachInEachPlaceOfEight_AreEscaped()
    {
        for (int value = 0; value < 256; value++)
        {
            for (int place = 0; place < 9; place++)
            {
                byte[] line = "abcdefghi\n"u8.ToArray();
                line[place] = (byte)value;
                AssertWritten([(line, false)]);
            }
        }
    }

    [Fact]
    public void Lines_OfOnePiece_HaveTimesThatGrow()
    {
        using (Writer writer = new(_path))
        {
            writer.Feed([.. Enumerable.Repeat("x\n"u8.ToArray(), 30_000).SelectMany(line => line)], isError: false);
            writer.Feed("y\n"u8.ToArray(), isError: true);
        }
        List<string> times = [.. File.ReadLines(_path).Select(line => line.Split("\"time\":\"")[1].TrimEnd('}', '"'))];
        Assert.Equal(30_001, times.Count);
        // As numbers: zeros at the end of a fraction are not written.
        List<string> padded = [.. times.Select(time => time.TrimEnd('Z')).Select(time => time.Contains('.') ? time.PadRight(29, '0') : time + ".000000000")];
        Assert.Equal(padded.Distinct().Order(StringComparer.Ordinal), padded);
        DateTimeOffset last = DateTimeOffset.Parse(times[^1], CultureInfo.InvariantCulture);
        Assert.InRange(last, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddSeconds(1));
    }

    [Theory]
    [InlineData(0, 0, "1970-01-01T00:00:00Z")]
    [InlineData(1_709_209_799, 0, "2024-02-29T12:29:59Z")]
    [InlineData(1_709_209_799, 1, "2024-02-29T12:29:59.000000001Z")]
    [InlineData(1_709_209_799, 120_000_000, "2024-02-29T12:29:59.12Z")]
    [InlineData(4_102_444_799, 999_999_999, "2099-12-31T23:59:59.999999999Z")]
    public void Time_IsGosText(long seconds, long nanoseconds, string text)
    {
        byte* buffer = stackalloc byte[64];
        byte* end = Clock.FormatRest(Clock.FormatSeconds(buffer, seconds), nanoseconds);
        Assert.Equal(text, Encoding.ASCII.GetString(buffer, (int)(end - buffer)));
    }

    // Words, ends of lines, what has to be escaped, characters of two to four bytes, and broken ones.
    private static byte[] Mixed(Random random, int count)
    {
        MemoryStream mixed = new();
        string[] parts =
        [
            "word", "a longer stretch of plain words ", "\n", "\n", "<b>&amp;</b>", "\"quoted\\\"", "\t\r\0\u001f\u007f", "é", "\u2028\u2029\u2027", "漢字", "😀",
        ];
        while (mixed.Length < count)
        {
            int kind = random.Next(parts.Length + 2);
            if (kind < parts.Length)
                mixed.Write(Encoding.UTF8.GetBytes(parts[kind]));
            else if (kind == parts.Length)
                mixed.Write([(byte)random.Next(256), (byte)random.Next(256)]);
            else if (random.Next(200) == 0)
                mixed.Write(Encoding.ASCII.GetBytes(new string('z', random.Next(3 * Log.LineMax))));
        }
        return mixed.ToArray();
    }

    private void AssertWritten(IReadOnlyList<(byte[] Bytes, bool IsError)> pieces)
    {
        File.WriteAllText(_path, "");
        using (Writer writer = new(_path, Attributes))
        {
            foreach ((byte[] bytes, bool isError) in pieces)
                writer.Feed(bytes, isError);
            writer.Finish();
        }
        string[] got = [.. File.ReadLines(_path, Encoding.Latin1).Select(line => line[..line.IndexOf(",\"time\":\"", StringComparison.Ordinal)])];
        string[] wanted = [.. Slowly(pieces)];
        for (int i = 0; i < Math.Min(got.Length, wanted.Length); i++)
            Assert.Equal(wanted[i], got[i]);
        Assert.Equal(wanted.Length, got.Length);
    }

    // As Docker's copier and its JSON writer: byte by byte.
    private static IEnumerable<string> Slowly(IReadOnlyList<(byte[] Bytes, bool IsError)> pieces)
    {
        List<byte>[] lines = [[], []];
        foreach ((byte[] bytes, bool isError) in pieces)
        {
            List<byte> line = lines[isError ? 1 : 0];
            foreach (byte one in bytes)
            {
                bool isEnd = one == '\n';
                if (!isEnd)
                    line.Add(one);
                if (isEnd || line.Count == Log.LineMax)
                {
                    yield return Text(line, isEnd, isError);
                    line.Clear();
                }
            }
        }
        for (int stream = 0; stream < 2; stream++)
        {
            if (lines[stream].Count > 0)
                yield return Text(lines[stream], isEnd: false, isError: stream == 1);
        }
    }

    private static string Text(List<byte> line, bool isEnd, bool isError)
    {
        StringBuilder text = new("{\"log\":\"");
        byte[] bytes = [.. line];
        for (int at = 0; at < bytes.Length;)
        {
            if (Rune.DecodeFromUtf8(bytes.AsSpan(at), out Rune rune, out int used) != System.Buffers.OperationStatus.Done)
            {
                // A replacement for each byte of what is no character, as Go's reader of runes does.
                text.Append("\\ufffd");
                at++;
                continue;
            }
            text.Append(rune.Value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\r' => "\\r",
                < 0x20 or '<' or '>' or '&' or 0x2028 or 0x2029 => $"\\u{rune.Value:x4}",
                // The file is read as Latin-1: a character for each byte.
                _ => Encoding.Latin1.GetString(bytes, at, used),
            });
            at += used;
        }
        return $"{text}{(isEnd ? "\\n" : "")}\",\"stream\":\"{(isError ? "stderr" : "stdout")}\",\"attrs\":{Attributes}";
    }

    /// <summary>A log as a monitor sets it up.</summary>
    private sealed class Writer : IDisposable
    {
        private readonly byte[] _memory = GC.AllocateArray<byte>(2 * Log.LineMax + Log.OutMax + 8192, pinned: true);
        private readonly Log[] _log = GC.AllocateArray<Log>(1, pinned: true);

        public Writer(string path, string? attributes = null)
        {
            byte* at = Address(_memory);
            Log* log = At;
            log->First.Bytes = at;
            log->Second.Bytes = at + Log.LineMax;
            log->Out = at + 2 * Log.LineMax;
            byte* texts = log->Out + Log.OutMax;
            Encoding.UTF8.GetBytes(path + "\0").CopyTo(_memory.AsSpan((int)(texts - at)));
            if (attributes is not null)
            {
                Encoding.UTF8.GetBytes(attributes + "\0").CopyTo(_memory.AsSpan((int)(texts - at) + 4096));
                log->Attributes = texts + 4096;
            }
            Log.Open(log, texts);
            Assert.True(log->File >= 0);
        }

        private Log* At => (Log*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _log[0]);

        private static byte* Address(byte[] pinned) => (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref pinned[0]);

        public void Feed(byte[] bytes, bool isError)
        {
            fixed (byte* at = bytes)
                Log.Feed(At, isError, at, bytes.Length);
        }

        public void Finish() => Log.Finish(At);

        public void Dispose() => Sys.Close(At->File);
    }
}
