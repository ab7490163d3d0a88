using Berth.Registry.Tests.Accounts;
using Berth.Registry.Tests.Database;
using Microsoft.Playwright;

namespace Berth.Hub.Tests.Browser;

/// <summary>The button of an OpenID provider, pressed in a real browser; two hubs on one database share the session.</summary>
public sealed class ProviderSignInTests(BrowserHub browser) : IClassFixture<BrowserHub>, IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-oidc-");
    private readonly List<HubProgram> _hubs = [];
    private TestProvider? _provider;

    public async ValueTask DisposeAsync()
    {
        foreach (HubProgram hub in _hubs)
            await hub.DisposeAsync();
        if (_provider is not null)
            await _provider.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact(Timeout = 300_000)]
    public async Task Button_SignsIn_AtBothHubs_AndSignsOutOfBoth()
    {
        await using IBrowserContext context = await browser.NewContextAsync();
        _provider = await TestProvider.StartAsync();
        string secret = Path.Join(_directory.FullName, "secret");
        await File.WriteAllTextAsync(secret, TestProvider.ClientSecret, TestContext.Current.CancellationToken);
        string database = TestCluster.NewDatabase();
        for (int i = 0; i < 2; i++)
        {
            _hubs.Add(await HubProgram.StartInAsync(_directory, "--database", database, "--oidc-issuer", _provider.Issuer,
                "--oidc-client-id", TestProvider.ClientId, "--oidc-client-secret-file", secret, "--oidc-name", "Campus", "--oidc-sign-up"));
        }
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(new Uri(_hubs[0].Address, "/signin?back=/account").ToString());
        await page.GetByText("Sign in with Campus").ClickAsync();
        await BrowserHub.ArriveAsync(page, new Uri(_hubs[0].Address, "/account"));
        Assert.Contains("alice-smith", await page.ContentAsync(), StringComparison.Ordinal);
        // A browser's cookies are those of a host, whatever the port: the other hub knows the session.
        await page.GotoAsync(new Uri(_hubs[1].Address, "/account").ToString());
        Assert.Contains("alice-smith", await page.ContentAsync(), StringComparison.Ordinal);
        // It lies in the menu of the account.
        await page.EvaluateAsync("[...document.querySelectorAll('button')].find(button => button.textContent.trim() === 'Sign out').click()");
        await page.GetByText("Sign in").First.WaitForAsync();
        IResponse? gone = await page.GotoAsync(new Uri(_hubs[0].Address, "/account").ToString());
        Assert.Equal(401, gone!.Status);
        Assert.DoesNotContain("alice-smith", await page.ContentAsync(), StringComparison.Ordinal);
    }
}
