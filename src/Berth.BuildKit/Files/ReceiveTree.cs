using System.Threading.Channels;
using Berth.BuildKit.Protocol;
using Berth.BuildKit.Sessions;
using Berth.Faults;
using Grpc.Core;

namespace Berth.BuildKit.Files;

/// <summary>Has a client send one of its directories.</summary>
internal static class ReceiveTree
{
    private const int ReportMilliseconds = 150;

    /// <summary>Fills a directory.</summary>
    /// <param name="session">The client.</param>
    /// <param name="source">The directory's name: <c>context</c> or <c>dockerfile</c>.</param>
    /// <param name="follow">Only this path, with what links on it lead to; null: all.</param>
    /// <param name="receiver">Makes the files; stays the caller's.</param>
    /// <param name="report">Is told the bytes that have arrived, now and then.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">As <see cref="FileReceiver.Accept"/>; Unavailable: the client is gone.</exception>
    public static async Task RunAsync(
        ClientSession session, string source, string? follow, FileReceiver receiver, Action<long> report,
        CancellationToken cancellationToken)
    {
        if (!session.Offers(SessionMethods.SendTree))
            throw FaultException.Invalid("session: the client offers no files to this build");
        // One value for each name: the HTTP client joins several with commas, and the other side does not take them apart.
        Metadata headers = new() { { "dir-name", source } };
        if (follow is not null)
            headers.Add("followpaths", follow);
        AsyncDuplexStreamingCall<Packet, Packet> call = session.Calls.AsyncDuplexStreamingCall(
            SessionMethods.SendTree, null, new CallOptions(headers, cancellationToken: cancellationToken));
        Channel<Packet> answers = Channel.CreateUnbounded<Packet>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        Task answering = SendAsync(call.RequestStream, answers.Reader);
        try
        {
            await ReceiveAsync(call.ResponseStream, answers.Writer, receiver, report, cancellationToken).ConfigureAwait(false);
            answers.Writer.TryComplete();
            await answering.ConfigureAwait(false);
            receiver.Finish();
        }
        catch (RpcException refused)
        {
            throw ClientSession.Explain(refused, $"send {source}", cancellationToken);
        }
        finally
        {
            answers.Writer.TryComplete();
            // Ends the call if it has not ended yet, and with it a request that nobody takes.
            call.Dispose();
            await answering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // How many packets wait is bounded by how many files the receiver has open.
    private static async Task SendAsync(IClientStreamWriter<Packet> requests, ChannelReader<Packet> answers)
    {
        await foreach (Packet answer in answers.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            await requests.WriteAsync(answer).ConfigureAwait(false);
        await requests.CompleteAsync().ConfigureAwait(false);
    }

    private static async Task ReceiveAsync(
        IAsyncStreamReader<Packet> packets, ChannelWriter<Packet> answers, FileReceiver receiver, Action<long> report,
        CancellationToken cancellationToken)
    {
        bool isFinished = false;
        long reported = Environment.TickCount64;
        while (await packets.MoveNext(cancellationToken).ConfigureAwait(false))
        {
            receiver.Accept(packets.Current);
            if (packets.Current.Type == Packet.Types.PacketType.PacketFin)
                return;
            while (receiver.TryAsk(out uint number))
                answers.TryWrite(new Packet { Type = Packet.Types.PacketType.PacketReq, Id = number });
            if (receiver.IsComplete && !isFinished)
                isFinished = answers.TryWrite(new Packet { Type = Packet.Types.PacketType.PacketFin });
            if (Environment.TickCount64 - reported > ReportMilliseconds)
            {
                reported = Environment.TickCount64;
                report(receiver.Bytes);
            }
        }
        throw FaultException.Unavailable("the client stopped sending files in the middle");
    }
}
