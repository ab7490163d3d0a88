using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Berth.Faults;
using Berth.Registry.Model;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Tests.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tests.Webhooks;

public sealed class WebhookDeliveryTests : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly System.Threading.Channels.Channel<(IHeaderDictionary Headers, byte[] Body)> _received =
        System.Threading.Channels.Channel.CreateUnbounded<(IHeaderDictionary, byte[])>();
    private readonly Queue<int> _answers = new();
    private WebApplication _receiver = null!;
    private RunningHub _hub = null!;

    private string Url => _receiver.Urls.First() + "/hook";

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _receiver = builder.Build();
        _receiver.Run(async context =>
        {
            var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            context.Response.StatusCode = _answers.TryDequeue(out int status) ? status : 204;
            context.Response.Headers.Location = "http://127.0.0.1:1/";
            await _received.Writer.WriteAsync((new HeaderDictionary(context.Request.Headers.ToDictionary()), body.ToArray()));
        });
        await _receiver.StartAsync();
        _hub = await RunningHub.StartAsync(options => options with { Serving = new ServingSettings { WebhookHosts = ["127.0.0.1", "hooks.example"] } });
        await _hub.UserAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    [Fact]
    public async Task Event_ArrivesOnce_SignedByTheSecret()
    {
        (Webhook webhook, string secret) = await CreateAsync("alice/app", "push");
        await CreateAsync("alice/other", "push");
        await CreateAsync("alice/*", "delete");
        await PushAsync("alice/app", "one");
        (IHeaderDictionary headers, byte[] body) = await NextAsync();
        JsonElement json = JsonElement.Parse(body);
        Assert.Equal(("push", "alice/app", "latest", "one"), (
            json.GetProperty("type").GetString(), json.GetProperty("repository").GetString(), json.GetProperty("tag").GetString(),
            json.GetProperty("id").GetString()));
        Assert.Equal("one", headers["webhook-id"]);
        Assert.Equal(WebhookSender.Sign(secret, "one", headers["webhook-timestamp"]!, body), headers["webhook-signature"]);
        WebhookDelivery done = await StateAsync(webhook.Id, "done");
        Assert.Equal((1, 204), (done.Attempts, done.Status));
        Assert.False(_received.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Signature_IsThatOfTheStandard() => Assert.Equal(
        // The example of standardwebhooks.com's own libraries.
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        await Task.FromResult(WebhookSender.Sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}"u8.ToArray())));

    [Fact]
    public async Task Failure_IsTriedAgain_LaterAndLater_WithTheSameId()
    {
        _answers.Enqueue(500);
        _answers.Enqueue(302);
        (Webhook webhook, _) = await CreateAsync("alice/*", "push");
        await PushAsync("alice/app", "again");
        Assert.Equal("again", (await NextAsync()).Headers["webhook-id"]);
        WebhookDelivery waiting = await StateAsync(webhook.Id, "waiting", attempts: 1);
        Assert.Equal((500, "answered 500"), (waiting.Status, waiting.Problem));
        Assert.Equal(_hub.Time.GetUtcNow() + TimeSpan.FromSeconds(5), waiting.NextAt, TimeSpan.FromMilliseconds(1));
        _hub.Time.Advance(TimeSpan.FromSeconds(5));
        await NextAsync();
        // A redirect is not followed: it would lead around the list.
        waiting = await StateAsync(webhook.Id, "waiting", attempts: 2);
        Assert.Equal("answered 302", waiting.Problem);
        _hub.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("again", (await NextAsync()).Headers["webhook-id"]);
        Assert.Equal(3, (await StateAsync(webhook.Id, "done")).Attempts);
    }

    [Fact]
    public async Task Delivery_IsGivenUp_AtLast()
    {
        for (int i = 0; i < WebhookQueue.AttemptsMax; i++)
            _answers.Enqueue(503);
        (Webhook webhook, _) = await CreateAsync("alice/app", "push");
        await PushAsync("alice/app", "never");
        for (int attempt = 1; attempt < WebhookQueue.AttemptsMax; attempt++)
        {
            await NextAsync();
            WebhookDelivery waiting = await StateAsync(webhook.Id, "waiting", attempt);
            _hub.Time.Advance(waiting.NextAt - _hub.Time.GetUtcNow() + TimeSpan.FromSeconds(5));
        }
        await NextAsync();
        Assert.Equal(WebhookQueue.AttemptsMax, (await StateAsync(webhook.Id, "given up")).Attempts);
    }

    [Fact]
    public async Task Host_ThatResolvesInside_IsNotConnected()
    {
        // Allowed by name when it was made; what the name stands for is decided when it is connected.
        await Assert.ThrowsAsync<FaultException>(() => CreateAsync("alice/app", "push", "http://localhost:1/"));
        (Webhook webhook, _) = await CreateAsync("alice/app", "push", "http://hooks.example/");
        string inside = $"http://localhost:{_receiver.Urls.Select(url => new Uri(url).Port).First()}/";
        await _hub.Services.Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"update webhooks set url = {inside} where id = {webhook.Id}", token), default);
        await PushAsync("alice/app", "inside");
        Assert.Equal("the address is not allowed", (await StateAsync(webhook.Id, "waiting", attempts: 1)).Problem);
        Assert.False(_received.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Receiver_ThatNeverAnswers_HoldsUpNobodyElse()
    {
        // Takes connections, as many as there are deliveries, and says nothing.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        (Webhook slow, _) = await CreateAsync("alice/slow", "push", $"http://{silent.LocalEndpoint}/");
        (Webhook prompt, _) = await CreateAsync("alice/app", "push");
        await PushAsync("alice/slow", "slow 1");
        await PushAsync("alice/slow", "slow 2");
        using TcpClient held = await silent.AcceptTcpClientAsync();
        for (int i = 0; i < 3; i++)
        {
            await PushAsync("alice/app", $"prompt {i}");
            Assert.Equal($"prompt {i}", (await NextAsync()).Headers["webhook-id"]);
            await StateAsync(prompt.Id, "done");
        }
        // All that while the slow one's first was not over, and its second waited for it.
        Assert.All(await _hub.Services.Operation.Webhooks.DeliveriesAsync(slow.Id, 10, default), one => Assert.Equal(0, one.Attempts));
        Assert.False(silent.Pending());
    }

    [Fact]
    public async Task Host_OfSeveralAddresses_IsReachedByAnyOfThem()
    {
        int port = new Uri(_receiver.Urls.First()).Port;
        // Nobody listens on the first: the receiver is on 127.0.0.1 alone.
        await using Stream reached = await WebhookSender.ConnectAsync([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback], port, default);
        await Assert.ThrowsAsync<SocketException>(() => WebhookSender.ConnectAsync([IPAddress.Parse("127.0.0.2")], port, default));
    }

    [Fact]
    public async Task RemovedWebhook_IsToldNothingMore()
    {
        (Webhook webhook, _) = await CreateAsync("alice/app", "push");
        Assert.False(await _hub.Services.Operation.Webhooks.RemoveAsync(RunningHub.Operator, "bob", webhook.Id, default));
        Assert.Single(await _hub.Services.Operation.Webhooks.ListAsync("alice", default));
        Assert.True(await _hub.Services.Operation.Webhooks.RemoveAsync(RunningHub.Operator, "alice", webhook.Id, default));
        await PushAsync("alice/app", "gone");
        Assert.False(await _hub.Services.Operation.Queue.HasDueAsync([], default));
    }

    [Theory]
    [InlineData("app", "push")]
    [InlineData("*", "push")]
    [InlineData("alice/../bob/app", "push")]
    [InlineData("alice/app", "scan")]
    public async Task Webhook_WithAWrongField_IsRefused(string repository, string events) => Assert.Equal(
        FaultKind.InvalidArgument, (await Assert.ThrowsAsync<FaultException>(() => CreateAsync(repository, events))).Kind);

    private Task<(Webhook Webhook, string Secret)> CreateAsync(string repository, string events, string? url = null) =>
        _hub.Services.Operation.Webhooks.CreateAsync(RunningHub.Operator, repository, url ?? Url, [events], default);

    private async Task PushAsync(string repository, string id)
    {
        await _hub.Services.Database.WriteAsync(
            async (transaction, token) =>
            {
                var what = new RegistryEvent
                {
                    Id = id, Type = "push", Timestamp = _hub.Time.GetUtcNow(), Repository = repository, Tag = "latest", Actor = "alice",
                };
                await _hub.Services.Operation.Queue.AddAsync(transaction, what, token);
                return true;
            }, default);
        _hub.Services.Operation.Queue.Announce();
    }

    private async Task<(IHeaderDictionary Headers, byte[] Body)> NextAsync()
    {
        using var patience = new CancellationTokenSource(s_patience);
        Task<(IHeaderDictionary, byte[])> next = _received.Reader.ReadAsync(patience.Token).AsTask();
        // The clock may have been moved before the sender began to wait for it.
        while (await Task.WhenAny(next, Task.Delay(50, patience.Token)) != next)
            _hub.Services.Operation.Queue.Announce();
        return await next;
    }

    private async Task<WebhookDelivery> StateAsync(long webhook, string state, int? attempts = null)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (true)
        {
            WebhookDelivery? delivery = (await _hub.Services.Operation.Webhooks.DeliveriesAsync(webhook, 1, patience.Token)).SingleOrDefault();
            if (delivery?.State == state && (attempts is null || attempts == delivery.Attempts))
                return delivery;
            await Task.Delay(20, patience.Token);
        }
    }
}
