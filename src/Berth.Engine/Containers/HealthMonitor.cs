using System.Globalization;
using System.Text;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Oci.Images;
using Berth.Oci.Runtime;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>Runs containers' health checks and keeps their results.</summary>
internal sealed class HealthMonitor(EngineParts parts)
{
    private const int ResultsMax = 5;
    private const int OutputMax = 4096;
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_startInterval = TimeSpan.FromSeconds(5);

    /// <summary>How a process of the container is made for a check.</summary>
    public Func<Container, IReadOnlyList<string>, ProcessSpec>? MakeProcess { get; set; }

    /// <summary>Does what a container's settings say when it became unhealthy.</summary>
    public Func<Container, Task>? OnUnhealthy { get; set; }

    /// <summary>The health at start, with the results of earlier runs; null without a check.</summary>
    public static HealthState? Initial(HealthConfig? config, HealthState? earlier) =>
        Command(config) is null ? null : new HealthState("starting", 0, earlier?.Log ?? []);

    /// <summary>Whether there is anything to check by.</summary>
    public static bool HasCheck(HealthConfig? config) => Command(config) is not null;

    /// <summary>The state of a container that nobody checks now, because it has ended or is paused: Docker calls it unhealthy.</summary>
    public static ContainerState Unwatched(ContainerState state) =>
        state.Health is { } health ? state with { Health = health with { Status = "unhealthy" } } : state;

    /// <summary>Checks until the token says that the run is over.</summary>
    public void Watch(Container container, IContainer running, CancellationToken runToken)
    {
        if (container.Record.Config.Healthcheck is not { } config || Command(config) is not { } command)
            return;
        parts.Background.Run($"health of container {container.Id[..12]}", () => LoopAsync(container, running, config, command, runToken));
    }

    private static IReadOnlyList<string>? Command(HealthConfig? config) => config?.Test switch
    {
        ["CMD", _, ..] test => [.. test.Skip(1)],
        ["CMD-SHELL", string line, ..] => ["/bin/sh", "-c", line],
        _ => null,
    };

    private async Task LoopAsync(
        Container container, IContainer running, HealthConfig config, IReadOnlyList<string> command, CancellationToken runToken)
    {
        // The container's start, not ours: an engine that comes later does not begin its start period again.
        TimeSpan ran = parts.Time.GetUtcNow() - container.State.StartedAt ?? TimeSpan.Zero;
        // What is left of it does not depend on the clock, which may be set meanwhile.
        TimeSpan startPeriod = new TimeSpan(config.StartPeriod / 100) - (ran > TimeSpan.Zero ? ran : TimeSpan.Zero);
        long begin = parts.Time.GetTimestamp();
        bool IsInStartPeriod() => parts.Time.GetElapsedTime(begin) < startPeriod;
        while (true)
        {
            bool isStarting = container.State.Health?.Status == "starting" && IsInStartPeriod();
            TimeSpan delay = isStarting ? Or(config.StartInterval, s_startInterval) : Or(config.Interval, s_interval);
            await LongWaits.DelayAsync(delay, parts.Time, runToken);
            if (container.State.Status == ContainerStatus.Paused)
                continue;
            HealthResult result = await CheckAsync(container, running, command, Or(config.Timeout, s_timeout), runToken);
            parts.HealthChecks.Count(result.ExitCode != 0);
            runToken.ThrowIfCancellationRequested();
            await container.Gate.WaitAsync(runToken);
            try
            {
                // One that was paused meanwhile could not answer.
                if (container.State.Status == ContainerStatus.Paused)
                    continue;
                Record(container, result, config, isInStartPeriod: IsInStartPeriod());
            }
            finally
            {
                container.Gate.Release();
            }
        }
    }

    private async Task<HealthResult> CheckAsync(
        Container container, IContainer running, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken runToken)
    {
        DateTimeOffset start = parts.Time.GetUtcNow();
        StringBuilder output = new();
        try
        {
            using CancellationTokenSource limit = new(timeout < LongWaits.TimerMax ? timeout : LongWaits.TimerMax, parts.Time);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, runToken);
            ExecRequest request = new() { Id = RandomIds.Next(), Process = MakeProcess!(container, command) };
            string text = string.Join(' ', command);
            Publish(container, request.Id, $"exec_create: {text}");
            Publish(container, request.Id, $"exec_start: {text}");
            await using IExecProcess process = await running.ExecAsync(request, either.Token);
            try
            {
                await ReadAsync(process.Streams!, output, either.Token);
                int code = await process.Exited.WaitAsync(either.Token);
                Publish(container, request.Id, "exec_die", ("exitCode", code.ToString(CultureInfo.InvariantCulture)));
                return new HealthResult(start, parts.Time.GetUtcNow(), code, output.ToString());
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested)
            {
                process.TrySignal(9);
                return new HealthResult(start, parts.Time.GetUtcNow(), -1, $"Health check exceeded timeout ({timeout.TotalSeconds}s)");
            }
        }
        catch (FaultException fault)
        {
            return new HealthResult(start, parts.Time.GetUtcNow(), -1, fault.Message);
        }
    }

    // A check is an exec, and watchers of events see it as one.
    private void Publish(Container container, string exec, string action, params ReadOnlySpan<(string Key, string Value)> more)
    {
        (string, string)[] all = [("execID", exec), .. more];
        ContainerService.PublishOf(parts, container.Record, action, all);
    }

    private static async Task ReadAsync(IContainerStreams streams, StringBuilder output, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[OutputMax];
        while (true)
        {
            (OutputSource _, int count) = await streams.ReadAsync(buffer, cancellationToken);
            if (count == 0)
                return;
            if (output.Length < OutputMax)
                output.Append(Encoding.UTF8.GetString(buffer, 0, Math.Min(count, OutputMax - output.Length)));
        }
    }

    private void Record(Container container, HealthResult result, HealthConfig config, bool isInStartPeriod)
    {
        HealthState old = container.State.Health ?? new HealthState("starting", 0, []);
        int retries = config.Retries > 0 ? config.Retries : 3;
        bool isCounted = result.ExitCode != 0 && !(isInStartPeriod && old.Status == "starting");
        int streak = result.ExitCode == 0 ? 0 : old.FailingStreak + (isCounted ? 1 : 0);
        string status = result.ExitCode == 0 ? "healthy" : streak >= retries ? "unhealthy" : old.Status;
        HealthState health = new(status, streak, [.. old.Log.TakeLast(ResultsMax - 1), result]);
        ContainerRecord record = container.Record;
        record = record with { State = record.State with { Health = health } };
        if (status == old.Status)
        {
            container.Record = record;
            return;
        }
        // The next engine goes on from here.
        parts.Containers.Update(container, record);
        ContainerService.PublishOf(parts, record, $"health_status: {status}");
        if (status == "unhealthy" && record.Host.HealthOnFailure is "restart" or "stop")
            parts.Background.Run($"unhealthy container {container.Id[..12]}", () => OnUnhealthy!(container));
    }

    // Go's durations are nanoseconds.
    private static TimeSpan Or(long nanoseconds, TimeSpan standard) => nanoseconds > 0 ? new TimeSpan(nanoseconds / 100) : standard;
}
