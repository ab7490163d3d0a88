using System.Diagnostics;
using System.Runtime.CompilerServices;
using Berth.Faults;
using Berth.Runtime;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    private static readonly TimeSpan s_sampleEvery = TimeSpan.FromSeconds(1);

    public async Task<ProcessTable> TopAsync(string id, string? arguments, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        if (container.State.Status == ContainerStatus.Restarting)
            throw FaultException.Conflict($"container {id} is restarting, wait until the container is running");
        if (container.Runtime is not { } running)
            throw NotRunning(container);
        HashSet<int> pids = [.. running.Processes()];
        string[] words = (string.IsNullOrWhiteSpace(arguments) ? "-ef" : arguments).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string text = await RunPsAsync(words, cancellationToken);
        Publish(container.Record, "top");
        return ParsePs(text, pids);
    }

    public IAsyncEnumerable<StatisticsSample> Statistics(string id, bool stream, bool oneShot, CancellationToken cancellationToken) =>
        SampleAsync(Find(id), stream, oneShot, cancellationToken);

    internal static ProcessTable ParsePs(string text, HashSet<int> pids)
    {
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] titles = lines.Length > 0 ? lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries) : [];
        int pidColumn = Array.IndexOf(titles, "PID");
        if (pidColumn < 0)
            throw FaultException.Invalid("Couldn't find PID field in ps output");
        List<IReadOnlyList<string>> rows = [];
        foreach (string line in lines.Skip(1))
        {
            string[] fields = line.Split(' ', titles.Length, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > pidColumn && int.TryParse(fields[pidColumn], out int pid) && pids.Contains(pid))
                rows.Add([.. fields.Select(field => field.TrimEnd())]);
        }
        return new ProcessTable(titles, rows);
    }

    private static async Task<string> RunPsAsync(string[] words, CancellationToken cancellationToken)
    {
        // Options only: an operand could name files or switch ps into another mode.
        using Process ps = new()
        {
            StartInfo = new ProcessStartInfo("ps", words) { RedirectStandardOutput = true, RedirectStandardError =
                true, UseShellExecute = false },
        };
        try
        {
            ps.Start();
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw FaultException.Unavailable("top: the program ps is missing on this machine: install procps", exception);
        }
        Task<string> errors = ps.StandardError.ReadToEndAsync(cancellationToken);
        string output = await ps.StandardOutput.ReadToEndAsync(cancellationToken);
        await ps.WaitForExitAsync(cancellationToken);
        return ps.ExitCode == 0 ? output : throw FaultException.Invalid($"ps: {(await errors).Trim().Split('\n')[0]}");
    }

    private async IAsyncEnumerable<StatisticsSample> SampleAsync(
        Container container, bool stream, bool oneShot, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        StatisticsSample? previous = null;
        while (!container.Removed.Task.IsCompleted)
        {
            StatisticsSample sample = Sample(container, previous);
            // One sample alone has nothing to be compared with: without one-shot a second is waited for.
            if (stream || oneShot || previous is not null || sample.Counts is null)
                yield return sample;
            if (!stream && (oneShot || previous is not null || sample.Counts is null))
                yield break;
            previous = sample;
            await Task.WhenAny(container.Removed.Task, Task.Delay(s_sampleEvery, parts.Time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private StatisticsSample Sample(Container container, StatisticsSample? previous)
    {
        CgroupStatistics? counts = null;
        ulong? system = null;
        IReadOnlyList<InterfaceCounts> interfaces = [];
        if (container.Runtime is { } running && !running.Exited.IsCompleted)
        {
            try
            {
                counts = running.ReadStatistics();
                // At once: clients divide the one by the other, and what passes in between is in one of them only.
                system = HostCounts.CpuNanoseconds();
                interfaces = container.Record.Host.NetworkMode == "host" ? [] : HostCounts.Interfaces(running.Pid);
            }
            catch (Exception exception) when (exception is IOException or FaultException)
            {
                // It ended while it was being read.
                counts = null;
            }
        }
        return new StatisticsSample(container.Id, container.Name, counts is null ? default : parts.Time.GetUtcNow(), counts, interfaces,
            system ?? HostCounts.CpuNanoseconds(), Environment.ProcessorCount, previous?.At ?? default, previous?.Counts,
                previous?.SystemCpuNanoseconds ?? 0);
    }
}
