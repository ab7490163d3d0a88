using Berth.Faults;
using Microsoft.Extensions.Logging;

namespace Berth.Engine;

/// <summary>Owns work that goes on after its caller was answered. Disposing waits for all of it.</summary>
internal sealed partial class BackgroundWork(ILogger logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _running = []; // Guarded by _gate.

    /// <summary>Starts work; what it throws is logged under its name.</summary>
    public void Run(string what, Func<Task> work)
    {
        Task task = Task.Run(() => GuardAsync(what, work));
        lock (_gate)
            _running.Add(task);
        _ = task.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Waits until nothing is running.</summary>
    public async Task DrainAsync()
    {
        while (true)
        {
            Task[] running;
            lock (_gate)
                running = [.. _running];
            if (running.Length == 0)
                return;
            await Task.WhenAll(running);
        }
    }

    public async ValueTask DisposeAsync() => await DrainAsync();

    private void Forget(Task task)
    {
        lock (_gate)
            _running.Remove(task);
    }

    private async Task GuardAsync(string what, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // The engine is closing.
        }
        catch (Exception exception) when (exception is FaultException or IOException or InvalidOperationException
            or UnauthorizedAccessException or ObjectDisposedException)
        {
            Log.Failed(logger, what, exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4101, Level = LogLevel.Warning, Message = "{What} failed")]
        public static partial void Failed(ILogger logger, string what, Exception cause);
    }
}
