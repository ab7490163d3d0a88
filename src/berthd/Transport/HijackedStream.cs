using System.IO.Pipelines;
using System.Text;
using Berth.Engine;
using Berth.Runtime;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Transport;

/// <summary>Carries a process' streams over a connection that was taken away from HTTP.</summary>
/// <remarks>Engine API, "Attach to a container": 101 when the client asked for an upgrade, else 200, and then raw bytes. Without
/// a terminal each piece of output has a header of eight bytes (<see cref="OutputFrame"/>); input is always raw.</remarks>
internal static class HijackedStream
{
    // One read of the process' output: large enough that frames and system calls do not count.
    private const int OutputBytesMax = 128 * 1024;

    /// <summary>Answers the request, opens the streams, and copies in both directions until the output has ended or the client went
    /// away. The answer's head goes out before <paramref name="open"/> starts a process, and output waits for its being read: see
    /// <see cref="HijackHead"/>. A failure to open is therefore told in the stream, as Docker tells it.</summary>
    public static async Task RunAsync(
        HttpContext http, Func<CancellationToken, Task<IAttachment>> open, bool stdin, bool framed, string contentType,
        CancellationToken stopping)
    {
        IHijackFeature connection = http.Features.Get<IHijackFeature>()
            ?? throw new InvalidOperationException("the connection was accepted without the hijacking layer");
        bool upgrade = http.Request.Headers.Upgrade.Count > 0;
        string upgradeTo = upgrade ? http.Request.Headers.Upgrade.ToString() : "";
        IDuplexPipe client = connection.Hijack();
        HijackHead head = new(http);
        try
        {
            await head.SendAsync(Head(upgrade, upgradeTo, contentType), client.Output, stopping);
            await using IAttachment attachment = await open(stopping);
            await PumpAsync(client, head, attachment, stdin, framed, stopping);
        }
        catch (FaultException fault)
        {
            await head.IsReadAsync(stopping);
            await WriteFailureAsync(client.Output, fault.Message, framed);
        }
        finally
        {
            // Completing the pipe lets the transport send what is in it before it closes the socket.
            await client.Output.CompleteAsync();
            await client.Input.CompleteAsync();
        }
    }

    private static async Task PumpAsync(
        IDuplexPipe client, HijackHead head, IAttachment attachment, bool stdin, bool framed, CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        Task input = stdin ? PumpInputAsync(client.Input, attachment, ending.Token) : Task.CompletedTask;
        try
        {
            await PumpOutputAsync(attachment, head, client.Output, framed, stopping);
        }
        finally
        {
            await ending.CancelAsync();
            await input;
        }
    }

    private static async Task WriteFailureAsync(PipeWriter output, string message, bool framed)
    {
        byte[] text = Encoding.UTF8.GetBytes(message + "\r\n");
        int header = framed ? OutputFrame.HeaderBytes : 0;
        Memory<byte> memory = output.GetMemory(header + text.Length);
        if (framed)
            OutputFrame.WriteHeader(memory.Span, (byte)OutputSource.Stdout, text.Length);
        text.CopyTo(memory[header..]);
        output.Advance(header + text.Length);
        await output.FlushAsync(CancellationToken.None);
    }

    private static string Head(bool upgrade, string upgradeTo, string contentType) => upgrade
        ? $"HTTP/1.1 101 UPGRADED\r\nContent-Type: {contentType}\r\nConnection: Upgrade\r\nUpgrade: {Token(upgradeTo)}\r\n"
            + $"Api-Version: {Wire.ApiVersion.Newest}\r\n\r\n"
        : $"HTTP/1.1 200 OK\r\nContent-Type: {contentType}\r\n\r\n";

    // The client's own word goes back to it, but never a line break or a list.
    private static string Token(string text) => text.Length <= 32 && text.All(char.IsAsciiLetterOrDigit) ? text : "tcp";

    private static async Task PumpOutputAsync(
        IAttachment attachment, HijackHead head, PipeWriter output, bool framed, CancellationToken cancellationToken)
    {
        int header = framed ? OutputFrame.HeaderBytes : 0;
        bool isFirst = true;
        while (true)
        {
            Memory<byte> memory = output.GetMemory(header + OutputBytesMax);
            (OutputSource source, int count) =
                await attachment.ReadAsync(memory[header..(header + OutputBytesMax)], cancellationToken);
            if (count == 0)
                return;
            if (isFirst)
                await head.IsReadAsync(cancellationToken);
            isFirst = false;
            if (framed)
                OutputFrame.WriteHeader(memory.Span, (byte)source, count);
            output.Advance(header + count);
            FlushResult flushed = await output.FlushAsync(cancellationToken);
            if (flushed.IsCompleted)
                return;
        }
    }

    private static async Task PumpInputAsync(PipeReader input, IAttachment attachment, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                ReadResult read = await input.ReadAsync(cancellationToken);
                bool wanted = true;
                foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                    wanted = wanted && await attachment.WriteAsync(piece, cancellationToken);
                input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || !wanted)
                    break;
            }
            await attachment.CloseInputAsync();
        }
        catch (OperationCanceledException)
        {
            // The output has ended first; what was typed afterwards has no reader.
        }
        catch (Exception failure) when (failure is IOException or FaultException
            or Microsoft.AspNetCore.Connections.ConnectionResetException)
        {
            // The client is gone or the process stopped reading; its output decides how this ends.
            await attachment.CloseInputAsync();
        }
    }
}
