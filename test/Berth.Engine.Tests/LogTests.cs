using System.Globalization;
using System.Text;
using Berth.Faults;

namespace Berth.Engine.Tests;

/// <summary>Reading rotated logs, and the keys that let go.</summary>
public sealed class LogTests : IDisposable
{
    private static readonly DateTimeOffset s_begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-logs-").FullName;

    private string LogPath => Path.Combine(_directory, "x-json.log");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Read_RotatedFiles_ComeInOrderAndCut()
    {
        File.WriteAllText(LogPath + ".2", Line(0) + Line(1));
        File.WriteAllText(LogPath + ".1", Line(2) + Line(3));
        File.WriteAllText(LogPath, Line(4) + Line(5));
        Assert.Equal("0 1 2 3 4 5", await ReadAsync(new LogQuery()));
        Assert.Equal("2 3 4 5", await ReadAsync(new LogQuery { Tail = 4 }));
        Assert.Equal("", await ReadAsync(new LogQuery { Tail = 0 }));
        Assert.Equal("0 1 2 3 4 5", await ReadAsync(new LogQuery { Tail = 100 }));
        Assert.Equal("3 4", await ReadAsync(new LogQuery { Since = s_begin.AddSeconds(3), Until = s_begin.AddSeconds(5) }));
        Assert.Equal("1 3 5", await ReadAsync(new LogQuery { Stdout = false }));
    }

    [Fact]
    public async Task Read_UntilWhereTheClockWasSetBack_LeavesNothingOut()
    {
        File.WriteAllText(LogPath, Line(0) + Line(9) + Line(1) + Line(8) + Line(2));
        Assert.Equal("0 1 2", await ReadAsync(new LogQuery { Until = s_begin.AddSeconds(5) }));
    }

    [Fact]
    public async Task Read_BrokenLine_IsLeftOut()
    {
        File.WriteAllText(LogPath, Line(0) + "{\"log\":\"cut" + "\n" + Line(1));
        Assert.Equal("0 1", await ReadAsync(new LogQuery()));
    }

    [Fact]
    public async Task Follow_AcrossRotations_DeliversEachLineOnce()
    {
        TaskCompletionSource ended = new();
        await using IAsyncEnumerator<LogEntry> reader = new LogReader(LogPath, new LogQuery { Follow = true }, TimeProvider.System)
            .ReadAsync(ended.Task, Cancel).GetAsyncEnumerator(Cancel);
        for (int number = 0; number < 6; number++)
        {
            // The file is not there at first; then it is rotated before every second line.
            ValueTask<bool> next = reader.MoveNextAsync();
            if (number > 0 && number % 2 == 0)
                Rotate();
            File.AppendAllText(LogPath, Line(number));
            Assert.True(await next);
            Assert.Equal(number.ToString(CultureInfo.InvariantCulture), Text(reader.Current));
        }
        File.AppendAllText(LogPath, Line(6));
        ended.SetResult();
        Assert.True(await reader.MoveNextAsync());
        Assert.False(await reader.MoveNextAsync());
    }

    [Fact]
    public async Task Changes_Write_WakesAtOnce()
    {
        // A clock that stands still: only the kernel's word can end the wait.
        using LogChanges changes = LogChanges.Of(LogPath, new Microsoft.Extensions.Time.Testing.FakeTimeProvider());
        Task wait = changes.WaitAsync(Task.Delay(Timeout.Infinite, Cancel), TimeSpan.FromHours(1), Cancel);
        Assert.False(wait.IsCompleted);
        File.AppendAllText(LogPath, Line(0));
        await wait;
    }

    [Theory]
    [InlineData(null, "a\u0010\u0011", true, "a")]
    [InlineData(null, "a\u0010b", false, "a\u0010b")]
    [InlineData("ctrl-x,q", "\u0018q", true, "")]
    [InlineData("ctrl-x,q", "\u0010\u0011", false, "\u0010\u0011")]
    public void DetachKeys_Sequence_LetsGo(string? keys, string typed, bool detaches, string forwarded)
    {
        List<byte> forward = [];
        Assert.Equal(detaches, DetachKeys.Parse(keys).Feed(Encoding.UTF8.GetBytes(typed), forward));
        Assert.Equal(forwarded, Encoding.UTF8.GetString([.. forward]));
    }

    [Fact]
    public void DetachKeys_Unknown_IsRefused() => Assert.Throws<FaultException>(() => DetachKeys.Parse("ctrl-1"));

    private void Rotate()
    {
        if (File.Exists(LogPath + ".1"))
            File.Move(LogPath + ".1", LogPath + ".2", overwrite: true);
        File.Move(LogPath, LogPath + ".1");
    }

    private static string Line(int number)
    {
        string stream = number % 2 == 0 ? "stdout" : "stderr";
        return $$"""{"log":"{{number}}\n","stream":"{{stream}}","time":"{{s_begin.AddSeconds(number):O}}"}""" + "\n";
    }

    private static string Text(LogEntry entry) => Encoding.UTF8.GetString(entry.Bytes.Span).TrimEnd('\n');

    private async Task<string> ReadAsync(LogQuery query)
    {
        List<string> lines = [];
        await foreach (LogEntry entry in new LogReader(LogPath, query, TimeProvider.System).ReadAsync(Task.CompletedTask, Cancel))
            lines.Add(Text(entry));
        return string.Join(' ', lines);
    }
}
