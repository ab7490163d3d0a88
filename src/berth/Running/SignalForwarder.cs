using System.Runtime.InteropServices;
using Berth.Client;

namespace Berth.Cli.Running;

/// <summary>Passes signals that this process gets on to a container, and its terminal's size.</summary>
internal sealed class SignalForwarder : IDisposable
{
    // Docker's number: who has asked so often wants out, whatever the container does.
    private const int TerminationsMax = 3;

    private readonly List<PosixSignalRegistration> _registrations = [];
    // Not disposed: a resize may still be on its way when this ends.
    private readonly SemaphoreSlim _resizing = new(1, 1);
    private int _terminations;

    /// <summary>Signals from here on are the container's.</summary>
    public static SignalForwarder Signals(Session session, string container)
    {
        SignalForwarder forwarder = new();
        foreach ((PosixSignal signal, string name) in ((PosixSignal, string)[])
            [(PosixSignal.SIGINT, "SIGINT"), (PosixSignal.SIGTERM, "SIGTERM"), (PosixSignal.SIGHUP, "SIGHUP"),
                (PosixSignal.SIGQUIT, "SIGQUIT"), ((PosixSignal)10, "SIGUSR1"), ((PosixSignal)12, "SIGUSR2")])
        {
            forwarder._registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                if (signal is PosixSignal.SIGINT or PosixSignal.SIGTERM
                    && Interlocked.Increment(ref forwarder._terminations) >= TerminationsMax)
                {
                    session.Warn($"\ngot {TerminationsMax} SIGTERM/SIGINTs, forcefully exiting");
                    System.Environment.Exit(1);
                }
                _ = KillAsync(session, container, name);
            }));
        }
        return forwarder;
    }

    /// <summary>Sends the terminal's size now and whenever it changes.</summary>
    /// <param name="session">Whose terminal.</param>
    /// <param name="path">The container or execution.</param>
    /// <param name="cancellationToken">Ends the first sending.</param>
    /// <param name="redraws">Sends another size first: a program that had this one before would see no change, and draw nothing in a
    /// window that is empty.</param>
    public static async Task<SignalForwarder> ResizesAsync(
        Session session, string path, CancellationToken cancellationToken, bool redraws = false)
    {
        SignalForwarder forwarder = new();
        // First: a change between a first sending and this would be told by nobody.
        forwarder._registrations.Add(PosixSignalRegistration.Create(
            PosixSignal.SIGWINCH, context => _ = forwarder.ResizeAsync(session, path, CancellationToken.None)));
        if (redraws)
            await forwarder.ResizeAsync(session, path, cancellationToken, more: 1);
        await forwarder.ResizeAsync(session, path, cancellationToken);
        return forwarder;
    }

    public void Dispose() => _registrations.ForEach(static r => r.Dispose());

    private static async Task KillAsync(Session session, string container, string signal)
    {
        try
        {
            await session.Engine.SendForStatusAsync(
                EngineRequest.Post($"/containers/{container}/kill").Query("signal", signal), CancellationToken.None);
        }
        catch (EngineException)
        {
            // It has just ended; its exit is on its way to us.
        }
    }

    // One after the other, each with the size of its own moment: the last that arrives is the terminal's.
    private async Task ResizeAsync(Session session, string path, CancellationToken cancellationToken, int more = 0)
    {
        await _resizing.WaitAsync(cancellationToken);
        try
        {
            if (session.Console.Size() is not { Columns: > 0 } size)
                return;
            await session.Engine.SendForStatusAsync(
                EngineRequest.Post(path + "/resize").Query("h", Text(size.Rows + more)).Query("w", Text(size.Columns + more)),
                cancellationToken);
        }
        catch (EngineException)
        {
            // Too early or too late; the next change of size tries again.
        }
        finally
        {
            _resizing.Release();
        }
    }

    private static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
