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

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using IDisposable? raw = IsTerminal && TakesInput ? session.Console.InputTerminal?.EnterRawMode() : null;
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        TaskCompletionSource detached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        if (TakesInput)
        {
            // Not awaited at the end: it sits in a read of the terminal that only a key would end.
            _ = Task.Run(() => SendInputAsync(detached, ending.Token), CancellationToken.None);
        }
        Task output = IsTerminal
            ? stream.CopyToAsync(Output, ending.Token) : stream.DemultiplexAsync(Output, Error, ending.Token);
        WasDetached = await Task.WhenAny(output, detached.Task) == detached.Task;
        if (!WasDetached)
            await output;
        await ending.CancelAsync();
    }

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
