using Berth.Engine.Logs.Destinations;
using Berth.Faults;
using Berth.Runtime;
using Microsoft.Extensions.Logging;

namespace Berth.Engine;

/// <summary>
/// Follows one container's log file: sends its lines where they are to go, keeps the position on disk, and compresses what is done
/// with. The file is the buffer: when the destination is away, lines wait there, and the container goes on.
/// </summary>
/// <remarks>At least once: after a crash of the engine or a broken connection the lines since the last saved position are sent again.
/// Lines are lost only when more was written than the files hold, and that is said in the engine's log.</remarks>
internal sealed partial class LogShipper(string path, LogPlan plan, LogSource source, TimeProvider time, ILogger logger)
{
    private const int CompressOnlyMilliseconds = 3000;
    private const int IdleMilliseconds = 500;
    private const int BusyMilliseconds = 50;
    private static readonly TimeSpan s_retryMax = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_saveEvery = TimeSpan.FromMilliseconds(250);
    private readonly string _positionFile = PositionFile(path);
    private readonly List<LogEntry> _batch = [];
    private LogPosition? _position;
    private LogPosition? _saved;
    private long _savedAt;
    private bool _isAway;

    /// <summary>Where a position is kept.</summary>
    public static string PositionFile(string path) => path + "-position";

    /// <summary>True when there is something for a shipper to do.</summary>
    public static bool IsNeeded(LogPlan plan) => plan.Open is not null || plan.Compress;

    /// <summary>Works until <paramref name="ended"/> and everything was sent.</summary>
    public async Task RunAsync(Task ended, CancellationToken cancellationToken)
    {
        if (plan.Open is null)
        {
            await CompressAsync(ended, cancellationToken);
            return;
        }
        using ILogDestination destination = plan.Open(source);
        _position = _saved = File.Exists(_positionFile) ? LogPosition.Parse(File.ReadAllText(_positionFile)) : null;
        LogCursor? cursor = null;
        try
        {
            while (true)
            {
                // Asked before reading, so that what came before the end is read after it.
                bool isOver = ended.IsCompleted;
                cursor ??= _position is { } position ? LogCursor.OpenAt(path, position, plan.BufferBytes)
                    : LogCursor.Open(path, null, plan.BufferBytes);
                bool isBusy = cursor is not null && await SendAllAsync(cursor, destination, cancellationToken);
                Save(isForced: true);
                if (isOver)
                    return;
                await WaitAsync(ended, isBusy ? BusyMilliseconds : IdleMilliseconds, cancellationToken);
            }
        }
        finally
        {
            Save(isForced: true);
            cursor?.Dispose();
        }
    }

    /// <summary>Holds a container back while its destination does not keep up: a reader that does not read stops the monitor from
    /// taking more. Only for <c>mode=blocking</c>.</summary>
    public async Task HoldBackAsync(IContainerStreams output, CancellationToken cancellationToken)
    {
        long behindMax = plan.BytesMax > 0 ? plan.BytesMax * plan.FilesMax / 2 : long.MaxValue;
        byte[] buffer = new byte[64 * 1024];
        while ((await output.ReadAsync(buffer, cancellationToken)).Count > 0)
            while (Behind() > behindMax)
                await Task.Delay(TimeSpan.FromMilliseconds(BusyMilliseconds), time, cancellationToken);
    }

    private long Behind()
    {
        long bytes = 0;
        string? at = _position?.File;
        foreach (string file in LogFiles.OldestFirst(path).Reverse())
        {
            FileInfo info = new(file);
            bytes += info.Exists ? info.Length : 0;
            if (at is not null && LogFiles.IdentityOf(file) == at)
                return bytes - _position!.Value.Offset;
        }
        return bytes;
    }

    private async Task<bool> SendAllAsync(LogCursor cursor, ILogDestination destination, CancellationToken cancellationToken)
    {
        bool isBusy = false;
        while (cursor.Read(_batch))
        {
            isBusy = true;
            if (_batch.Count > 0)
                await SendAsync(destination, cancellationToken);
            _batch.Clear();
            string? before = _position?.File;
            _position = cursor.Position ?? _position;
            Save(isForced: false);
            if (plan.Compress && before is not null && before != _position?.File)
                Compress(_position?.File);
        }
        return isBusy;
    }

    private async Task SendAsync(ILogDestination destination, CancellationToken cancellationToken)
    {
        TimeSpan pause = destination.RetryAfter;
        for (int tries = 1; ; tries++)
        {
            try
            {
                await destination.SendAsync(_batch, cancellationToken);
                if (_isAway)
                    Log.Back(logger, plan.Driver, source.ShortId, destination.Address);
                _isAway = false;
                return;
            }
            catch (IOException failure)
            {
                if (destination.TriesMax > 0 && tries >= destination.TriesMax)
                {
                    Log.GivenUp(logger, plan.Driver, source.ShortId, destination.Address, _batch.Count, failure.Message);
                    return;
                }
                if (!_isAway)
                    Log.Away(logger, plan.Driver, source.ShortId, destination.Address, failure.Message);
                _isAway = true;
            }
            await Task.Delay(pause, time, cancellationToken);
            pause = pause * 2 < s_retryMax ? pause * 2 : s_retryMax;
        }
    }

    private async Task CompressAsync(Task ended, CancellationToken cancellationToken)
    {
        while (true)
        {
            bool isOver = ended.IsCompleted;
            Compress(null);
            if (isOver)
                return;
            await WaitAsync(ended, CompressOnlyMilliseconds, cancellationToken);
        }
    }

    private void Compress(string? upTo)
    {
        try
        {
            LogCompression.Run(path, upTo);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A full disk, or a container that is being removed: the files stay as they are.
            Log.NotCompressed(logger, source.ShortId, failure.Message);
        }
    }

    private async Task WaitAsync(Task ended, int milliseconds, CancellationToken cancellationToken)
    {
        using CancellationTokenSource wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task later = Task.Delay(TimeSpan.FromMilliseconds(milliseconds), time, wait.Token);
        await Task.WhenAny(ended, later);
        await wait.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    // Not synced: after a power cut a few lines more are sent twice.
    private void Save(bool isForced)
    {
        if (_position is null || _position == _saved || (!isForced && time.GetElapsedTime(_savedAt) < s_saveEvery))
            return;
        try
        {
            File.WriteAllText(_positionFile + ".new", _position.ToString());
            File.Move(_positionFile + ".new", _positionFile, overwrite: true);
            (_saved, _savedAt) = (_position, time.GetTimestamp());
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The container is gone or the disk is full; what was sent was sent.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4105, Level = LogLevel.Warning,
            Message = "{Driver} log of container {Id}: {Address} cannot be reached, lines wait in the container's log file: {Cause}")]
        public static partial void Away(ILogger logger, string driver, string id, string address, string cause);

        [LoggerMessage(EventId = 4106, Level = LogLevel.Information, Message = "{Driver} log of container {Id}: {Address} is back")]
        public static partial void Back(ILogger logger, string driver, string id, string address);

        [LoggerMessage(EventId = 4107, Level = LogLevel.Warning,
            Message = "{Driver} log of container {Id}: {Address}: gave up {Count} lines after the tries asked for: {Cause}")]
        public static partial void GivenUp(ILogger logger, string driver, string id, string address, int count, string cause);

        [LoggerMessage(EventId = 4108, Level = LogLevel.Warning, Message = "log of container {Id} was not compressed: {Cause}")]
        public static partial void NotCompressed(ILogger logger, string id, string cause);
    }
}
