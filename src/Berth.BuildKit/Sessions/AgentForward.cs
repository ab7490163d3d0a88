using Berth.BuildKit.Protocol;
using Berth.Faults;
using Google.Protobuf;
using Grpc.Core;

namespace Berth.BuildKit.Sessions;

/// <summary>Carries a connection to a client's ssh agent.</summary>
internal static class AgentForward
{
    private const int BufferBytes = 32 * 1024;

    /// <summary>Carries bytes in both directions until either side ends.</summary>
    /// <exception cref="FaultException">Unavailable: the client or its agent is gone.</exception>
    public static async Task RunAsync(ClientSession session, string id, Stream connection, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Metadata headers = new() { { "buildkit.ssh.id", id } };
        using AsyncDuplexStreamingCall<BytesMessage, BytesMessage> call = session.Calls.AsyncDuplexStreamingCall(
            SessionMethods.ForwardAgent, null, new CallOptions(headers, cancellationToken: stop.Token));
        Task asking = AskAsync(connection, call.RequestStream, stop.Token);
        try
        {
            while (await call.ResponseStream.MoveNext(stop.Token).ConfigureAwait(false))
                await connection.WriteAsync(call.ResponseStream.Current.Data.Memory, stop.Token).ConfigureAwait(false);
        }
        catch (RpcException refused)
        {
            throw ClientSession.Explain(refused, "ssh agent", cancellationToken);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await asking.ConfigureAwait(false);
        }
    }

    private static async Task AskAsync(
        Stream connection, IClientStreamWriter<BytesMessage> requests, CancellationToken cancellationToken)
    {
        try
        {
            byte[] buffer = new byte[BufferBytes];
            int count;
            while ((count = await connection.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                await requests.WriteAsync(
                    new BytesMessage { Data = ByteString.CopyFrom(buffer, 0, count) }, cancellationToken).ConfigureAwait(false);
            await requests.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception ended) when (ended is OperationCanceledException or IOException or RpcException or InvalidOperationException)
        {
            // The other direction says how it ended.
        }
    }
}
