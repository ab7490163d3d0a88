using Berth.Registry.Collection;
using Berth.Registry.Database;
using Berth.Registry.Retention;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Hosting;

/// <summary>What a hub does by itself while it serves: counts of pulls go to the database, and garbage is collected.</summary>
internal sealed partial class HubWork : IAsyncDisposable
{
    private static readonly TimeSpan s_countTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_clockTime = TimeSpan.FromHours(1);

    // A crash is what leaves files without a row, so the first collection after a start looks for them, and then one of each day.
    private static readonly TimeSpan s_sweepTime = TimeSpan.FromDays(1);

    private readonly HubServices _services;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _tasks;
    private DateTimeOffset? _sweptAt;
    private bool _wasFull;

    public HubWork(HubServices services)
    {
        _services = services;
        _log = services.Loggers.CreateLogger("Berth.Registry.Work");
        _tasks =
        [
            PrepareAsync(),
            RepeatAsync(s_countTime, services.Pulls.FlushAsync),
            RepeatAsync(s_clockTime, LookAtClockAsync),
            RepeatAsync(s_countTime, WatchDiskAsync),
            RepeatAsync(services.Options.CollectionInterval, CollectAsync),
            RepeatAsync(RetentionJob.Period, new RetentionJob(
                services.Browsing.Retention, services.Loggers.CreateLogger<RetentionJob>()).RunAsync),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_tasks).ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task PrepareAsync()
    {
        try
        {
            await LookAtClockAsync(_stop.Token).ConfigureAwait(false);
            await _services.Browsing.Search.PrepareAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // The first search tries again, and says it to who asks.
            Log.Failed(_log, exception);
        }
        catch (OperationCanceledException)
        {
            // The hub ends.
        }
    }

    private async Task RepeatAsync(TimeSpan interval, Func<CancellationToken, Task> work)
    {
        using var timer = new PeriodicTimer(interval, _services.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                try
                {
                    await work(_stop.Token).ConfigureAwait(false);
                }
                catch (Exception exception) when (exception is not OperationCanceledException)
                {
                    // The next time may be better: the disk has room again, the database is back.
                    Log.Failed(_log, exception);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The hub ends.
        }
    }

    private async Task LookAtClockAsync(CancellationToken cancellationToken)
    {
        TimeSpan? ahead = await DatabaseClock.AheadAsync(_services.Database, _services.Time, cancellationToken).ConfigureAwait(false);
        if (ahead?.Duration() > DatabaseClock.Tolerance)
            Log.ClockDiffers(_log, ahead.Value);
    }

    private async Task CollectAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = _services.Time.GetUtcNow();
        bool sweeps = _sweptAt is not { } last || now - last >= s_sweepTime;
        CollectionReport report = await _services.Collector.RunAsync(sweeps, cancellationToken).ConfigureAwait(false);
        _sweptAt = sweeps ? now : _sweptAt;
        if (report.SweepRefusal is { } refusal)
            Log.NotSwept(_log, refusal);
        if (report.BlobsRemoved + report.UploadsExpired + report.UnnamedRemoved > 0)
            Log.Collected(_log, report.BlobsRemoved, report.BytesFreed, report.UploadsExpired, report.UnnamedRemoved);
    }

    // Said once, not with each request that is refused.
    private Task WatchDiskAsync(CancellationToken cancellationToken)
    {
        _services.Database.KeepRoom();
        bool isFull = _services.Database.IsDiskFull;
        if (isFull && !_wasFull)
            Log.DiskFull(_log, HubDatabase.FullAdvice);
        else if (_wasFull && !isFull)
            Log.DiskHasRoom(_log);
        _wasFull = isFull;
        return Task.CompletedTask;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 6101, Level = LogLevel.Error, Message = "Work beside requests failed")]
        public static partial void Failed(ILogger logger, Exception cause);

        [LoggerMessage(EventId = 6102, Level = LogLevel.Information,
            Message = "Collected {Blobs} blobs, {Uploads} uploads and {Unnamed} files that no row named; {Bytes} bytes are free")]
        public static partial void Collected(ILogger logger, long blobs, long bytes, long uploads, long unnamed);

        [LoggerMessage(EventId = 6103, Level = LogLevel.Warning, Message = "Files that no row names were not looked for: {Refusal}")]
        public static partial void NotSwept(ILogger logger, string refusal);

        [LoggerMessage(EventId = 6104, Level = LogLevel.Warning, Message =
            "This machine's clock is {Ahead} ahead of the database's: processes of a hub whose clocks differ by more than 30 seconds refuse "
            + "each other's tokens. Set the clocks by a time service")]
        public static partial void ClockDiffers(ILogger logger, TimeSpan ahead);

        [LoggerMessage(EventId = 6105, Level = LogLevel.Error, Message = "Pushes and changes are refused: {Advice}")]
        public static partial void DiskFull(ILogger logger, string advice);

        [LoggerMessage(EventId = 6106, Level = LogLevel.Information, Message = "The disk has room again: pushes and changes go on")]
        public static partial void DiskHasRoom(ILogger logger);
    }
}
