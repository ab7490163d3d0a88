using System.Runtime.InteropServices;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Linux.Terminals;

namespace Berth.RuntimeProgram.Verbs;

/// <summary>Stands in front of a process that is our child: signals go on to it, and a terminal's two sides are joined.</summary>
internal sealed class Foreground : IDisposable
{
    private const int BufferBytes = 32 * 1024;
    // More than the kernel keeps of a terminal's output: what comes after the end beyond that is of others, who may never be silent.
    private const int LastBytesMax = 1024 * 1024;
    // signal(7): SIGRTMAX, and the first three of real time, which the C library and the .NET runtime use.
    private const int LastSignal = 64, FirstInternal = 32, LastInternal = 34;

    // What cannot be caught; faults of this program itself; SIGPIPE, SIGCHLD and SIGURG, which it gets for its own doing; SIGWINCH, which
    // is answered; SIGTTIN and SIGTTOU, by which the terminal stops whom it does not belong to. All others are for the process.
    private static readonly int[] s_kept =
    [
        Signals.SIGKILL, Signals.SIGSTOP, Signals.SIGILL, Signals.SIGBUS, Signals.SIGFPE, Signals.SIGSEGV, Signals.SIGSYS,
        Signals.SIGPIPE, Signals.SIGCHLD, Signals.SIGURG, Signals.SIGWINCH, Signals.SIGTTIN, Signals.SIGTTOU,
    ];

    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly bool _subreaper;
    private readonly Lock _gate = new();
    private readonly List<int> _early = []; // Guarded by _gate.
    private int _pid; // Guarded by _gate.
    private TerminalSettings? _before;

    /// <summary>Begins to listen to signals.</summary>
    /// <param name="subreaper">Become the parent of what the process leaves behind.</param>
    public Foreground(bool subreaper)
    {
        _subreaper = subreaper;
        if (subreaper)
            ProcessSpawner.BecomeSubreaper();
        foreach (int signal in Enumerable.Range(1, LastSignal).Except(s_kept))
        {
            if (signal is < FirstInternal or > LastInternal)
                _registrations.Add(PosixSignalRegistration.Create((PosixSignal)signal, context => Forward(context, signal)));
        }
    }

    private void Forward(PosixSignalContext context, int signal)
    {
        context.Cancel = true;
        lock (_gate)
        {
            if (_pid == 0)
                _early.Add(signal);
            else
                Signals.TrySend(_pid, signal);
        }
    }

    // Those that came while the process was made are for it too.
    private void ForwardTo(int pid)
    {
        lock (_gate)
        {
            _pid = pid;
            _early.ForEach(signal => Signals.TrySend(pid, signal));
        }
    }

    /// <summary>Waits for the end of the process; returns its exit code.</summary>
    public int Await(int pid, FileDescriptor? master)
    {
        ForwardTo(pid);
        using ProcessHandle? process = master is null ? null : ProcessHandle.Open(pid);
        Thread? output = process is null ? null : Join(master!, process);
        int? code = _subreaper ? ProcessSpawner.WaitAmongAll(pid) : ProcessSpawner.Wait(pid);
        lock (_gate)
            _pid = 0;
        output?.Join();
        return code ?? 1;
    }

    private Thread Join(FileDescriptor master, ProcessHandle process)
    {
        if (TerminalCalls.IsTerminal(0))
        {
            _before = TerminalSettings.Get(0);
            _before.Raw().Apply(0);
            Resize(master);
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)Signals.SIGWINCH, _ => Resize(master)));
        }
        Thread input = new(() => Copy(new FileDescriptor(0, ownsHandle: false), master)) { IsBackground = true };
        input.Start();
        Thread output = new(() => Show(master, process));
        output.Start();
        return output;
    }

    // Until the process has ended and what it wrote is shown, also when others hold the terminal: nobody waits for those.
    private static void Show(FileDescriptor master, ProcessHandle process)
    {
        using FileDescriptor output = new(1, ownsHandle: false);
        byte[] buffer = new byte[BufferBytes];
        int last = 0;
        try
        {
            while (last < LastBytesMax && DescriptorSockets.AwaitInput(master, process)
                && FileCalls.Read(master, buffer) is > 0 and var count)
            {
                if (process.WaitForEnd(TimeSpan.Zero))
                    last += count;
                if (FileCalls.TryWrite(output, buffer.AsSpan(0, count)) != 0)
                    return;
            }
        }
        catch (LinuxException)
        {
            // A terminal whose last user has gone answers EIO: that is its end.
        }
    }

    private static void Resize(FileDescriptor master)
    {
        if (TerminalCalls.TryGetSize(0, out int columns, out int rows))
            TerminalCalls.TrySetSize(master.Number, columns, rows);
    }

    private static void Copy(FileDescriptor from, FileDescriptor to)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (FileCalls.Read(from, buffer) is > 0 and var count)
            {
                if (FileCalls.TryWrite(to, buffer.AsSpan(0, count)) != 0)
                    return;
            }
        }
        catch (Exception end) when (end is LinuxException or ObjectDisposedException)
        {
            // The process has ended: the terminal is closed, or about to be.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _before?.Apply(0);
        _registrations.ForEach(static registration => registration.Dispose());
    }
}
