using Berth.Client;

namespace Berth.Cli.Running;

/// <summary>Carries standard input, output and error between this process and a container until its output ends.</summary>
internal sealed class AttachedStreams(Session session, HijackedStream stream)
{
    public bool IsTerminal { get; init; }

    public bool TakesInput { get; init; }

    public Stream Output { get; init; } = session.Console.Output;

    public Stream Error { get; init; } = session.Console.Error;

    public byte[] DetachKeys { get; init; } = [];

    /// <summary>True if the user typed the keys to leave.</summary>
    public bool WasDetached { get; private set; }

    /// <summary>Copies until the output ends or the user leaves.</summary>
    /// <remarks>Without input there is one thing to do, and it is done in the calling thread: call this last.</remarks>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!TakesInput)
        {
            stream.WaitInThread();
            await CopyOutputAsync(cancellationToken);
            return;
        }
        using IDisposable? raw = IsTerminal ? session.Console.InputTerminal?.EnterRawMode() : null;
        // A third signal ends the program from another thread: the terminal is given back then, too.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => raw?.Dispose();
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        TaskCompletionSource detached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        // Not awaited at the end: it sits in a read of the terminal that only a key would end.
        _ = Task.Run(() => SendInputAsync(detached, ending.Token), CancellationToken.None);
        Task output = CopyOutputAsync(ending.Token);
        WasDetached = await Task.WhenAny(output, detached.Task) == detached.Task;
        if (!WasDetached)
            await output;
        await ending.CancelAsync();
    }

    private Task CopyOutputAsync(CancellationToken cancellationToken) => IsTerminal
        ? stream.CopyToAsync(Output, cancellationToken) : stream.DemultiplexAsync(Output, Error, cancellationToken);

    private async Task SendInputAsync(TaskCompletionSource detached, CancellationToken cancellationToken)
    {
        EscapeDetector escape = new(IsTerminal ? DetachKeys : []);
        byte[] buffer = new byte[32 * 1024];
        try
        {
            int count;
            while ((count = await session.Console.Input.ReadAsync(buffer, cancellationToken)) > 0)
            {
                if (!IsTerminal || DetachKeys.Length == 0)
                {
                    await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                    continue;
                }
                byte[] passed = escape.Filter(buffer.AsSpan(0, count), out bool found);
                await stream.WriteAsync(passed, cancellationToken);
                if (found)
                {
                    detached.SetResult();
                    return;
                }
            }
            await stream.CloseWriteAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException
            or System.Net.Sockets.SocketException)
        {
            // The container ended while we still had input for it: nobody is left to read it.
        }
    }
}
