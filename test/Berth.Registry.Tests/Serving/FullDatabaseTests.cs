using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Berth.Registry.Accounts;
using Berth.Registry.Database;
using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Serving;

/// <summary>A database that takes no more rows, as on a full disk: what only reads goes on.</summary>
public sealed class FullDatabaseTests
{
    [Fact]
    public async Task Pulls_ByPasswordAndToken_GoOn()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        UserAccount alice = await hub.UserAsync("alice");
        (string manifest, string layer) = await hub.PushAsync("alice/app", "v1", "content", RunningHub.Basic("alice"));
        (_, string token) = await hub.Services.Accounts.Secrets.CreateTokenAsync(
            RunningHub.Operator, SecretKind.Personal, alice.Id, "laptop", null, null, default);
        // The password must be proved anew, and there is a failure to be forgotten.
        hub.Time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.Unauthorized, (await hub.GetAsync("/auth/token", RunningHub.Basic("alice", "wrong guess"))).Status);
        await FillAsync(hub);
        foreach (string secret in new[] { RunningHub.Password, token })
        {
            AuthenticationHeaderValue basic = RunningHub.Basic("alice", secret);
            Assert.Equal(HttpStatusCode.OK, (await hub.GetAsync($"/v2/alice/app/manifests/{manifest}", basic)).Status);
            // What `docker login` asks for, and what it does with the answer; there is no refresh token, which would be a row.
            (HttpStatusCode status, JsonElement answer, _) = await hub.GetAsync(
                "/auth/token?offline_token=true&scope=repository:alice/app:pull", basic);
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.False(answer.TryGetProperty("refresh_token", out JsonElement refresh) && refresh.ValueKind is JsonValueKind.String);
            using HttpResponseMessage blob = await hub.SendAsync(
                HttpMethod.Get, $"/v2/alice/app/blobs/{layer}", new("Bearer", answer.GetProperty("token").GetString()));
            Assert.Equal("content", await blob.Content.ReadAsStringAsync());
        }
        // A wrong password that cannot be counted is still told nothing.
        Assert.Equal(
            HttpStatusCode.ServiceUnavailable, (await hub.GetAsync("/auth/token", RunningHub.Basic("alice", "wrong guess"))).Status);
        // A program that calls the API is told in the API's form.
        (HttpStatusCode status503, JsonElement called, _) = await hub.GetAsync("/api/v1/account", RunningHub.Basic("alice", "wrong guess"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unavailable"), (status503, called.GetProperty("error").GetString()));
        // In a browser that is a page, with the time to wait, and with its style.
        using var request = new HttpRequestMessage(HttpMethod.Get, "/account");
        request.Headers.Authorization = RunningHub.Basic("alice", "wrong guess");
        request.Headers.Accept.ParseAdd("text/html,application/xhtml+xml,*/*;q=0.8");
        using HttpResponseMessage page = await hub.Client.SendAsync(request);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "text/html"), (page.StatusCode, page.Content.Headers.ContentType!.MediaType));
        Assert.Contains("in 5 seconds", await page.Content.ReadAsStringAsync());
    }

    private static Task FillAsync(RunningHub hub) => hub.Services.Database.WriteAsync(
        async (transaction, token) =>
        {
            foreach (string change in new[] { "update on users", "insert on secrets", "update on secrets", "insert on login_failures",
                "update on login_failures", "delete on login_failures" })
            {
                string trigger = $"create trigger full_{change.Replace(' ', '_')} before {change} "
                    + "begin select raise(abort, 'database or disk is full'); end";
                await transaction.ExecuteAsync((SqlText)trigger, token);
            }
            return true;
        }, default);
}
