using System.Runtime.InteropServices;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Linux.Terminals;

namespace Berth.RuntimeProgram.Verbs;

/// <summary>Stands in front of a process that is our child: signals go on to it, and a terminal's two sides are joined.</summary>
internal sealed class Foreground : IDisposable
{
    private const int BufferBytes = 32 * 1024;
    private static readonly int[] s_forwarded =
        [Signals.SIGHUP, Signals.SIGINT, Signals.SIGQUIT, Signals.SIGTERM, Signals.SIGUSR1, Signals.SIGUSR2];

    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly bool _subreaper;
    private volatile int _pid;
    private TerminalSettings? _before;

    /// <summary>Begins to listen to signals.</summary>
    /// <param name="subreaper">Become the parent of what the process leaves behind.</param>
    public Foreground(bool subreaper)
    {
        _subreaper = subreaper;
        if (subreaper)
            ProcessSpawner.BecomeSubreaper();
        foreach (int signal in s_forwarded)
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)signal, context => Forward(context, signal)));
    }

    private void Forward(PosixSignalContext context, int signal)
    {
        context.Cancel = true;
        if (_pid != 0)
            Signals.TrySend(_pid, signal);
    }

    /// <summary>Waits for the end of the process; returns its exit code.</summary>
    public int Await(int pid, FileDescriptor? master)
    {
        _pid = pid;
        Thread? output = master is null ? null : Join(master);
        int? code = _subreaper ? ProcessSpawner.WaitAmongAll(pid) : ProcessSpawner.Wait(pid);
        _pid = 0;
        output?.Join();
        return code ?? 1;
    }

    private Thread Join(FileDescriptor master)
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
        Thread output = new(() => Copy(master, new FileDescriptor(1, ownsHandle: false)));
        output.Start();
        return output;
    }

    private static void Resize(FileDescriptor master)
    {
        if (TerminalCalls.TryGetSize(0, out int columns, out int rows))
            TerminalCalls.TrySetSize(master.Number, columns, rows);
    }

    // A terminal whose last user has gone answers EIO: that is its end.
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
        catch (LinuxException)
        {
            // The end.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _before?.Apply(0);
        _registrations.ForEach(static registration => registration.Dispose());
    }
}
