using System.Net.Sockets;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Runtime.Plans;
using Berth.Stage;

namespace Berth.Runtime.Monitors;

/// <summary>The <c>berth-runtime</c> program in a sealed memory file: what a container sees of us through <c>/proc/self/exe</c> can be
/// written by nobody (CVE-2019-5736). Made once; it lives as long as the engine.</summary>
internal sealed class MonitorProgram : IStageProgram, IDisposable
{
    private readonly string _path;
    private readonly Lock _gate = new();
    private readonly HashSet<MonitoredProcess> _lingering = []; // Guarded by _gate.
    private FileDescriptor? _image; // Guarded by _gate.
    private bool _isDisposed; // Guarded by _gate.

    /// <summary>The program's file.</summary>
    public string Path => _path;

    /// <summary>Names the program.</summary>
    public MonitorProgram(RuntimeOptions options) =>
        _path = options.RuntimeBinary ?? System.IO.Path.Join(AppContext.BaseDirectory, "berth-runtime");

    /// <summary>Starts a monitor for a plan and listens to it.</summary>
    /// <param name="plan">What it is to do.</param>
    /// <param name="attach">The other end of a connection that is attached from the first byte, or null.</param>
    /// <param name="warnings">Where its warnings go.</param>
    public MonitoredProcess Start(Plan plan, FileDescriptor? attach, IList<string> warnings)
    {
        using FileDescriptor bytes = MemoryFile.CreateSealed("berth-plan", plan.Bytes);
        (Socket own, FileDescriptor other) = PacketSockets.CreatePair();
        using FileDescriptor control = other;
        using FileDescriptor nothing =
            FileCalls.Open(FileCalls.WorkingDirectory, "/dev/null\0"u8, flags: 2);
        int[] descriptors =
            [nothing.Number, nothing.Number, nothing.Number, bytes.Number, control.Number, attach?.Number ?? -1, .. plan.Descriptors];
        try
        {
            int pid = ProcessSpawner.Spawn(Executable,
                ["berth-monitor", StageContract.Verb], descriptors);
            return new MonitoredProcess(own, pid, this, warnings);
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Executable => $"/proc/{Environment.ProcessId}/fd/{Image().Number}";

    private FileDescriptor Image()
    {
        lock (_gate)
        {
            try
            {
                return _image ??= MemoryFile.CreateSealed("berth-runtime", File.ReadAllBytes(_path), executable: true);
            }
            catch (IOException missing)
            {
                throw FaultException.Unavailable($"cannot run containers: {_path}: {missing.Message}", missing);
            }
        }
    }

    /// <summary>Waits for the end of a monitor that nobody else waits for any more, and reaps it.</summary>
    public void Linger(MonitoredProcess process)
    {
        lock (_gate)
        {
            if (_isDisposed)
                process.Abandon();
            else
                _lingering.Add(process);
        }
        _ = WaitAsync(process);
    }

    private async Task WaitAsync(MonitoredProcess process)
    {
        await process.CloseAsync();
        lock (_gate)
            _lingering.Remove(process);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        MonitoredProcess[] left;
        lock (_gate)
        {
            _isDisposed = true;
            _image?.Dispose();
            left = [.. _lingering];
        }
        foreach (MonitoredProcess process in left)
            process.Abandon();
    }
}
