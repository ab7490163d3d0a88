using System.Text;
using Berth.BuildKit.Protocol;
using Berth.Faults;
using Grpc.Core;
using Grpc.Net.Client;

namespace Berth.BuildKit.Sessions;

/// <summary>
/// One client's session: a connection that the client opened and on which it is the server. It ends when the client closes it, when
/// the client does not answer, or when it is disposed.
/// </summary>
public sealed class ClientSession : IAsyncDisposable
{
    // A packet has at most 32 KiB of a file; a secret at most 500 KiB (BuildKit's own limit).
    private const int MessageBytesMax = 4 * 1024 * 1024;
    private const int WindowBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_healthPeriod = TimeSpan.FromSeconds(20);

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _closed = new();
    private readonly GrpcChannel _channel;
    private readonly TimeProvider _time;
    private Stream? _connection;

    private ClientSession(SessionOffer offer, Stream connection, TimeProvider time)
    {
        (Offer, _time) = (offer, time);
        _connection = new WatchedStream(connection, () => _ended.TrySetResult());
        SocketsHttpHandler handler = new()
        {
            // The client's connection is the only one there is, for as long as it lasts.
            EnableMultipleHttp2Connections = false,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            InitialHttp2StreamWindowSize = WindowBytes,
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = (_, _) => new ValueTask<Stream>(
                Interlocked.Exchange(ref _connection, null) ?? throw new IOException("the session is over")),
        };
        _channel = GrpcChannel.ForAddress("http://session", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MessageBytesMax,
            MaxSendMessageSize = MessageBytesMax,
        });
        Calls = _channel.CreateCallInvoker();
    }

    /// <summary>What the client said when it opened it.</summary>
    public SessionOffer Offer { get; }

    /// <summary>Cancelled when the session is over.</summary>
    public CancellationToken Closed => _closed.Token;

    internal CallInvoker Calls { get; }

    /// <summary>Takes a connection on which the client waits for calls, and makes the first.</summary>
    /// <param name="offer">What the client said.</param>
    /// <param name="connection">Raw bytes to and from the client; the session's from here on.</param>
    /// <param name="time">The time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">Unavailable: the client does not answer as a session does.</exception>
    public static async Task<ClientSession> OpenAsync(
        SessionOffer offer, Stream connection, TimeProvider time, CancellationToken cancellationToken)
    {
        ClientSession session = new(offer, connection, time);
        try
        {
            await session.CheckAsync(cancellationToken).ConfigureAwait(false);
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Completes when the session is over, asking the client now and then whether it is still there.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (!_ended.Task.IsCompleted)
            {
                try
                {
                    await _ended.Task.WaitAsync(s_healthPeriod, _time, cancellationToken).ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    await CheckAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (Exception gone) when (gone is FaultException or OperationCanceledException)
        {
            // It is over in any case.
        }
        await _closed.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the session; calls that run fail.</summary>
    public async ValueTask DisposeAsync()
    {
        _ended.TrySetResult();
        await _closed.CancelAsync().ConfigureAwait(false);
        _channel.Dispose();
        if (Interlocked.Exchange(ref _connection, null) is { } unused)
            await unused.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>True when the client answers a call.</summary>
    internal bool Offers(IMethod method) => Offer.Methods.Contains(method.FullName);

    /// <summary>Makes a call with one answer; null when the client says that it does not have what was asked for.</summary>
    /// <exception cref="FaultException">Unavailable: the client failed to answer.</exception>
    internal async Task<TResponse?> AskAsync<TRequest, TResponse>(
        Method<TRequest, TResponse> method, TRequest request, CancellationToken cancellationToken)
        where TRequest : class where TResponse : class
    {
        if (!Offers(method))
            return null;
        CallOptions options = new(deadline: DateTime.UtcNow + s_answerTime, cancellationToken: cancellationToken);
        try
        {
            using AsyncUnaryCall<TResponse> call = Calls.AsyncUnaryCall(method, null, options, request);
            return await call.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException refused)
        {
            if (refused.StatusCode is StatusCode.NotFound or StatusCode.Unimplemented)
                return null;
            throw Explain(refused, method.Name, cancellationToken);
        }
    }

    /// <summary>A refusal as what it means for the build.</summary>
    internal static Exception Explain(RpcException refused, string call, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new OperationCanceledException(refused.Message, refused, cancellationToken);
        string detail = refused.Status.Detail.Length > 0 ? refused.Status.Detail : refused.StatusCode.ToString();
        return FaultException.Unavailable($"session: {call}: {detail}", refused);
    }

    /// <summary>Why a call has ended, when writing to it failed: the other side's own words, where there are some.</summary>
    internal static async Task<RpcException> WhyAsync<T>(IAsyncStreamReader<T> answers, RpcException refused)
    {
        try
        {
            while (await answers.MoveNext(CancellationToken.None).ConfigureAwait(false))
                continue;
            return refused;
        }
        catch (RpcException told)
        {
            return told.StatusCode == StatusCode.Cancelled ? refused : told;
        }
    }

    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        CallOptions options = new(deadline: DateTime.UtcNow + s_answerTime, cancellationToken: cancellationToken);
        try
        {
            using AsyncUnaryCall<HealthCheckResponse> call =
                Calls.AsyncUnaryCall(SessionMethods.Health, null, options, new HealthCheckRequest());
            await call.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException refused)
        {
            throw Explain(refused, "health", cancellationToken);
        }
    }
}
