using System.Net;
using System.Text.RegularExpressions;
using AngleSharp.Dom;
using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Htpasswd;
using Berth.Registry.Tests.Pages;
using Berth.Registry.Tests.Serving;
using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Attacks;

/// <summary>What somebody who guesses finds out about names (attack F14): nothing, neither by an answer nor by the work that it took. The
/// work is counted, not timed.</summary>
public sealed partial class GuessingTests : IAsyncLifetime
{
    // Of the costliest bcrypt hash, "erin"'s.
    private const int BcryptRounds = 1 << 6;

    private static readonly string[] s_names = ["nobody", "alice", "dave", "oscar", "lab", "erin"];

    private RunningHub _hub = null!;

    private AccountServices Accounts => _hub.Services.Accounts;

    public async ValueTask InitializeAsync()
    {
        _hub = await RunningHub.StartAsync(options => options with { Accounts = new AccountSettings { SignUp = SignUpMode.Invited } });
        await _hub.UserAsync("alice");
        await _hub.UserAsync("dave");
        await Accounts.Users.SetDisabledAsync(RunningHub.Operator, "dave", true, default);
        await Accounts.Users.CreateAsync(RunningHub.Operator, new NewUser("oscar", null), default);
        await Accounts.OidcAccounts.LinkAsync(RunningHub.Operator, "oscar", "https://provider.example", "o", default);
        await Accounts.Organisations.CreateAsync(RunningHub.Operator, "lab", "", "alice", default);
        await Accounts.Secrets.CreateTokenAsync(
            RunningHub.Operator, SecretKind.Robot, (await Accounts.Organisations.FindAsync("lab", default))!.Id, "ci",
            TokenScopes.Parse(["lab/*:pull"]), null, default);
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(
            file, $"erin:{BCrypt.Net.BCrypt.HashPassword(RunningHub.Password, BCrypt.Net.BCrypt.GenerateSalt(6, 'y'))}\n");
        await Accounts.HtpasswdImport.RunAsync(RunningHub.Operator, file, new HtpasswdImportOptions(), default);
        File.Delete(file);
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Theory]
    [InlineData("/v2/"), InlineData("/v2/alice/app/manifests/v1"), InlineData("/auth/token?service=berth-hub")]
    [InlineData("/auth/token?service=berth-hub&offline_token=true&scope=repository:alice/app:pull"), InlineData("/api/v1/user")]
    public async Task BasicAuthentication_AnswersAndWorksTheSame_WhoeverIsNamed(string path)
    {
        await SameAsync(async (name, password) =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = RunningHub.Basic(name, password);
            return await AnswerAsync(request);
        });
    }

    [Fact]
    public async Task TokenService_AnswersAndWorksTheSame_WhoeverIsNamed() => await SameAsync(async (name, password) =>
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/auth/token")
        {
            Content = new FormUrlEncodedContent(
            [
                new("grant_type", "password"), new("username", name), new("password", password), new("service", "berth-hub"), new("client_id", "x"),
            ]),
        };
        return await AnswerAsync(request);
    });

    [Fact]
    public async Task SignInForm_AnswersAndWorksTheSame_WhoeverIsNamed()
    {
        using PageReader reader = new(_hub.Client.BaseAddress!);
        await reader.GetAsync("/signin");
        string token = reader.Document.QuerySelector("form[action='/signin'] input[name=form-token]")!.GetAttribute("value")!;
        await SameAsync(async (name, password) =>
        {
            await reader.PostAsync(
                "/signin", new Dictionary<string, string> { ["form-token"] = token, ["name"] = name, ["password"] = password, ["back"] = "" }, "same-origin");
            Assert.Equal(HttpStatusCode.Unauthorized, reader.Status);
            // It is filled with what was sent.
            return await AnswerAsync(reader.Response, $"value=\"{name}\"");
        });
    }

    [Fact]
    public async Task RobotsName_IsNotLookedUpWithAPassword() =>
        await SameAsync(
            async (name, password) =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/");
                request.Headers.Authorization = RunningHub.Basic(name, password);
                return await AnswerAsync(request);
            }, ["lab+ci", "lab+none", "nolab+ci"], default(PasswordWork));

    [Fact]
    public async Task SignUpForm_ForWhoHasNoInvitation_TellsNoNames()
    {
        using PageReader reader = new(_hub.Client.BaseAddress!);
        await reader.GetAsync("/signup");
        string token = reader.Document.QuerySelector("form[action='/signup'] input[name=form-token]")!.GetAttribute("value")!;
        await SameAsync(
            async (name, password) =>
            {
                await reader.PostAsync(
                    "/signup",
                    new Dictionary<string, string>
                    {
                        ["form-token"] = token, ["name"] = name, ["password"] = password, ["invitation"] = "bhi_x", ["email"] = "", ["display-name"] = "",
                    }, "same-origin");
                Assert.Equal(HttpStatusCode.BadRequest, reader.Status);
                return await AnswerAsync(reader.Response, $"value=\"{name}\"");
            }, s_names, new PasswordWork(1, 0));
    }

    [Fact]
    public async Task RightPassword_OfAnAccountThatIsSwitchedOff_IsSlowedLikeAWrongOne()
    {
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await _hub.GetAsync("/v2/", RunningHub.Basic("dave"))).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await _hub.GetAsync("/v2/", RunningHub.Basic("dave"))).Status);
    }

    private Task SameAsync(Func<string, string, Task<string>> askAsync) => SameAsync(askAsync, s_names, new PasswordWork(1, BcryptRounds));

    private async Task SameAsync(Func<string, string, Task<string>> askAsync, IEnumerable<string> names, PasswordWork expected)
    {
        string? first = null;
        // Twice: nothing that is remembered of the first time may make the second quicker for some.
        foreach (string name in names.Concat(names))
        {
            // Also the right password of an account that is switched off.
            string password = name == "dave" ? RunningHub.Password : "wrong horse";
            PasswordWork before = Accounts.PasswordWork;
            string answer = await askAsync(name, password);
            Assert.Equal((name, expected), (name, Accounts.PasswordWork - before));
            first ??= answer;
            Assert.Equal(first, answer);
            // All come from one address, which must not wait here.
            await _hub.Services.Database.WriteAsync(
                (transaction, token) => transaction.ExecuteAsync($"delete from login_failures", token), default);
        }
    }

    private async Task<string> AnswerAsync(HttpRequestMessage request)
    {
        using HttpResponseMessage response = await _hub.Client.SendAsync(request);
        return await AnswerAsync(response, null);
    }

    // Status, headers and body, without what is another each time for everybody.
    private static async Task<string> AnswerAsync(HttpResponseMessage response, string? echo)
    {
        IEnumerable<KeyValuePair<string, IEnumerable<string>>> headers = response.Headers.NonValidated
            .Where(header => header.Key is not "Date")
            .Concat(response.Content.Headers.NonValidated.Where(header => header.Key is not "Content-Length"))
            .Select(header => KeyValuePair.Create(header.Key, (IEnumerable<string>)header.Value));
        string body = await response.Content.ReadAsStringAsync();
        if (echo is not null)
        {
            Assert.Contains(echo, body, StringComparison.Ordinal);
            body = body.Replace(echo, "", StringComparison.Ordinal);
        }
        return Nonce().Replace(
            $"{(int)response.StatusCode}\n{string.Join('\n', headers.Select(header => $"{header.Key}: {string.Join(',', header.Value)}"))}\n\n{body}", "nonce");
    }

    [GeneratedRegex("nonce[-=]\"?[A-Za-z0-9+/_=-]+\"?")]
    private static partial Regex Nonce();
}
