using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Operation.Webhooks;

/// <summary>Tells webhooks what is due, until each has taken it or it is given up. One for a process; several processes share the
/// queue.</summary>
/// <remarks>
/// The request is that of standardwebhooks.com: <c>webhook-id</c>, <c>webhook-timestamp</c> and <c>webhook-signature: v1,BASE64</c>, an
/// HMAC-SHA256 over <c>id.timestamp.body</c>. It follows no redirect, uses no proxy and reads nothing of the answer but its status;
/// it connects
/// to an address that was checked (<see cref="WebhookHosts"/>), never to one that was resolved a second time.
/// </remarks>
public sealed partial class WebhookSender : IAsyncDisposable
{
    // Deliveries at once, of as many webhooks: whoever is slow holds up nobody but himself.
    private const int AtOnceMax = 64;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromSeconds(5);

    private readonly WebhookQueue _queue;
    private readonly WebhookHosts _hosts;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HttpClient _client;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _work;

    /// <summary>Begins to work.</summary>
    public WebhookSender(WebhookQueue queue, WebhookHosts hosts, TimeProvider time, ILogger<WebhookSender> logger)
    {
        (_queue, _hosts, _time, _logger) = (queue, hosts, time, logger);
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectCallback = ConnectAsync,
            ConnectTimeout = s_patience,
            MaxResponseHeadersLength = 16,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        queue.Added += Wake;
        _work = Task.Run(WorkAsync);
    }

    /// <summary>Looks for work now.</summary>
    public void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is about to look anyway.
        }
    }

    /// <summary>Stops; what was not told stays in the queue.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Added -= Wake;
        await _stop.CancelAsync();
        await _work;
        _client.Dispose();
        _wake.Dispose();
        _stop.Dispose();
    }

    private async Task WorkAsync()
    {
        Dictionary<long, Task> deliveries = [];
        await TakeTurnsAsync(deliveries);
        // Each has answered for its own failure; what was broken off stays in the queue.
        await Task.WhenAll(deliveries.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task TakeTurnsAsync(Dictionary<long, Task> deliveries)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                foreach (long webhook in deliveries.Where(one => one.Value.IsCompleted).Select(one => one.Key).ToArray())
                    deliveries.Remove(webhook);
                int free = AtOnceMax - deliveries.Count;
                if (free > 0 && await _queue.HasDueAsync(deliveries.Keys, _stop.Token))
                {
                    foreach (WebhookQueue.Due due in await _queue.TakeAsync(free, deliveries.Keys, _stop.Token))
                        deliveries[due.Webhook] = DeliverAsync(due);
                }
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                await Task.WhenAny([.. deliveries.Values, _wake.WaitAsync(limit.Token), Task.Delay(s_lookAgain, _time, limit.Token)]);
                await limit.CancelAsync();
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure) when (failure is FaultException or System.Data.Common.DbException)
            {
                // The database is away; it will be asked again.
                Log.QueueFailed(_logger, failure.Message);
                await Task.Delay(s_lookAgain, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task DeliverAsync(WebhookQueue.Due due)
    {
        (int? status, string? problem) = await SendAsync(due);
        if (problem is not null)
            Log.NotTaken(_logger, due.EventId, new Uri(due.Url).Host, problem);
        try
        {
            await _queue.FinishAsync(due, status, problem, _stop.Token);
        }
        catch (Exception failure) when (failure is FaultException or System.Data.Common.DbException)
        {
            // It is told once more when its time to be finished is over; receivers drop repetitions by the event's id.
            Log.QueueFailed(_logger, failure.Message);
        }
    }

    private async Task<(int? Status, string? Problem)> SendAsync(WebhookQueue.Due due)
    {
        string secret;
        try
        {
            secret = _queue.SecretOf(due);
        }
        catch (FaultException fault)
        {
            // Tried again like one that was not reached: the key's file may be put right.
            Log.Unreadable(_logger, due.Webhook, fault.Message);
            return (null, "the hub cannot read the webhook's secret");
        }
        try
        {
            // The list may have become shorter since the webhook was made.
            Uri url = _hosts.Check(due.Url);
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(due.Body) };
            request.Content.Headers.ContentType = new("application/json");
            string seconds = _time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            request.Headers.Add("webhook-id", due.EventId);
            request.Headers.Add("webhook-timestamp", seconds);
            request.Headers.Add("webhook-signature", Sign(secret, due.EventId, seconds, due.Body));
            request.Headers.Add("User-Agent", "berth-hub");
            using var patience = new CancellationTokenSource(s_patience, _time);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, patience.Token);
            using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            int status = (int)response.StatusCode;
            return status is >= 200 and < 300 ? (status, null) : (status, $"answered {status}");
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return (null, $"no answer within {s_patience.TotalSeconds} seconds");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or SocketException or FaultException)
        {
            // What the inside of the network answers is not the webhook owner's business: the kind alone is told.
            return (null, failure is FaultException or HttpRequestException { InnerException: FaultException }
                ? "the address is not allowed" : "not reached");
        }
    }

    /// <summary>The value of <c>webhook-signature</c>.</summary>
    internal static string Sign(string secret, string id, string timestamp, byte[] body)
    {
        byte[] key = Convert.FromBase64String(secret["whsec_".Length..]);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
        return "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed));
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        Uri url = context.InitialRequestMessage.RequestUri!;
        IPAddress[] addresses = IPAddress.TryParse(url.IdnHost, out IPAddress? literal)
            ? [literal] : await Dns.GetHostAddressesAsync(url.IdnHost, cancellationToken);
        IPAddress[] allowed = [.. addresses.Where(one => _hosts.Allows(url, one))];
        return allowed.Length > 0
            ? await ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken)
            : throw new FaultException(FaultKind.Forbidden, $"webhook to {url.IdnHost}: its address is not allowed");
    }

    /// <summary>Connects to the first of a host's addresses that answers.</summary>
    internal static async Task<Stream> ConnectAsync(IReadOnlyList<IPAddress> addresses, int port, CancellationToken cancellationToken)
    {
        // An address that is silent must leave time for the others and for the request.
        TimeSpan patience = s_patience / (addresses.Count + 1);
        for (int i = 0; ; i++)
        {
            bool isLast = i == addresses.Count - 1;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (!isLast)
                limit.CancelAfter(patience);
            var socket = new Socket(addresses[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(addresses[i], port, limit.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception failure)
            {
                socket.Dispose();
                bool mayTryNext = failure is SocketException or OperationCanceledException && !isLast
                    && !cancellationToken.IsCancellationRequested;
                if (!mayTryNext)
                    throw;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 6301, Level = LogLevel.Warning, Message = "Webhook event {Event} not taken by {Host}: {Problem}")]
        public static partial void NotTaken(ILogger logger, string @event, string host, string problem);

        [LoggerMessage(EventId = 6302, Level = LogLevel.Warning, Message = "Webhook queue not read: {Problem}")]
        public static partial void QueueFailed(ILogger logger, string problem);

        [LoggerMessage(EventId = 6303, Level = LogLevel.Error, Message = "Webhook {Webhook} cannot be told anything: {Problem}")]
        public static partial void Unreadable(ILogger logger, long webhook, string problem);
    }
}
