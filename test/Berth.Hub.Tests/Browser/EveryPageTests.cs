using Berth.Registry.Hosting;
using Berth.Registry.Pages;
using Berth.Registry.Tests.Pages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Berth.Hub.Tests.Browser;

/// <summary>Every page that the hub has, looked at by a browser that has signed in: layout, WCAG's rules, the keyboard.</summary>
/// <remarks>With <c>BERTH_SCREENSHOTS=DIR</c> a picture of each is kept there.</remarks>
public sealed class EveryPageTests(BrowserHub browser, FurnishedHub hub) : IClassFixture<BrowserHub>, IClassFixture<FurnishedHub>
{
    private const string Organisation = FurnishedHub.Organisation;
    private const string NoPage = "/no/such/page";

    // By route: the addresses that are looked at. A route without one fails the test below.
    private readonly Dictionary<string, string[]> _pages = new()
    {
        ["/"] = ["/"],
        ["/search"] = ["/search", "/search?q=nothing-of-this-name"],
        ["/u/{name}"] = ["/u/alice", $"/u/{Organisation}"],
        ["/u/{name}/-/people"] = [$"/u/{Organisation}/-/people"],
        ["/u/{name}/-/robots"] = [$"/u/{Organisation}/-/robots"],
        ["/u/{name}/-/webhooks"] = ["/u/alice/-/webhooks", $"/u/{Organisation}/-/webhooks"],
        ["/new"] = ["/new"],
        ["/signin"] = ["/signin"],
        ["/signup"] = ["/signup"],
        ["/setup"] = [],
        ["/account"] = ["/account"],
        ["/account/tokens"] = ["/account/tokens"],
        ["/account/organisations"] = ["/account/organisations"],
        ["/admin"] = ["/admin"],
        ["/admin/users"] = ["/admin/users"],
        ["/admin/storage"] = ["/admin/storage"],
        ["/admin/caches"] = ["/admin/caches"],
        ["/admin/audit"] = ["/admin/audit"],
        ["/admin/marks"] = ["/admin/marks"],
        ["/admin/settings"] = ["/admin/settings"],
        ["/r/{**path}"] = [$"/r/{hub.Repository}"],
        ["/r/NAME/-/"] = [$"/r/{hub.Repository}/-/"],
        ["/r/NAME/-/tags"] = [$"/r/{hub.Repository}/-/tags"],
        ["/r/NAME/-/tags/*"] = [$"/r/{hub.Repository}/-/tags/stable", $"/r/{hub.Repository}/-/tags/v1"],
        ["/r/NAME/-/images/*"] = [$"/r/{hub.Repository}/-/images/{hub.Digest}"],
        ["/r/NAME/-/diary"] = [$"/r/{hub.Repository}/-/diary"],
        ["/r/NAME/-/diary/*"] = [$"/r/{hub.Repository}/-/diary/stable", $"/r/{hub.Repository}/-/diary/stable?on=2026-01-01"],
        ["/r/NAME/-/settings"] = [$"/r/{hub.Repository}/-/settings"],
        ["{**path}"] = [NoPage],
    };

    // What forms answer with a page of their own: where the form is, its address, and what is written into it.
    private readonly (string Page, string Action, (string Field, string Text)[] Fields)[] _answers =
    [
        ("/account/tokens", "/account/tokens", [("name", "once")]),
        ($"/u/{Organisation}/-/robots", $"/u/{Organisation}/-/robots", [("name", "once")]),
        ("/u/alice/-/webhooks", "/u/alice/-/webhooks", [("url", "http://127.0.0.1:9/once")]),
        ("/admin/users", "/admin/invite", [("note", "Dora")]),
        ("/admin/storage", "/admin/collect", []),
        ($"/r/{hub.Repository}/-/settings", $"/r/{hub.Repository}/-/retention-dry-run", []),
        ($"/r/{hub.Repository}/-/settings", $"/r/{hub.Repository}/-/delete", [("confirm", "something else")]),
    ];

    private static string Axe => Path.Join(
        Path.GetDirectoryName(HubProgram.Programs)!, "..", "test", "clients", "node_modules", "axe-core", "axe.min.js");

    [Fact]
    public async Task Routes_AreAllLookedAt()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore();
        await using WebApplication application = builder.Build();
        HubPages.Map(application, hub.Services);
        IEnumerable<string> routes = ((IEndpointRouteBuilder)application).DataSources.SelectMany(source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("GET") ?? true)
            .Select(endpoint => endpoint.RoutePattern.RawText!)
            .Where(route => !route.StartsWith("/assets/", StringComparison.Ordinal) && !route.StartsWith("/auth/", StringComparison.Ordinal))
            .Concat(HubPages.RepositoryPages.Select(page => "/r/NAME/-/" + page));
        Assert.Equal(_pages.Keys.Order(), routes.Distinct().Order());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task Page_InBothThemesAndWidths_FitsAndKeepsWcagsRules(bool isDark, bool isPhone)
    {
        Assert.SkipUnless(File.Exists(Axe), "axe-core is missing (./dev setup)");
        string axe = await File.ReadAllTextAsync(Axe, TestContext.Current.CancellationToken);
        await using IBrowserContext context = await browser.NewContextAsync(isDark, isPhone, address: hub.Address);
        IPage page = await context.NewPageAsync();
        if (isPhone)
            await page.SetViewportSizeAsync(360, 780);
        string kind = (isPhone ? "narrow" : "wide") + (isDark ? "-dark" : "-light");
        List<string> complaints = [];
        await page.GotoAsync("/signin");
        await LookAsync(page, axe, "/signin, nobody", kind, complaints);
        await page.GotoAsync("/signup");
        await LookAsync(page, axe, "/signup, nobody", kind, complaints);
        await SignInAsync(page);
        foreach (string address in _pages.Values.SelectMany(addresses => addresses))
        {
            IResponse? answer = await page.GotoAsync(address);
            Assert.True(answer?.Status == (address == NoPage ? 404 : 200), $"{address}: {answer?.Status}");
            await LookAsync(page, axe, address, kind, complaints);
        }
        foreach ((string from, string action, (string Field, string Text)[] fields) in _answers)
        {
            await page.GotoAsync(from);
            ILocator form = page.Locator($"form[action='{action}']:has(button)").First;
            foreach ((string field, string text) in fields)
                await form.Locator($"[name='{field}']").FillAsync(text == "once" ? $"once-{kind}" : text);
            IResponse answer = await page.RunAndWaitForResponseAsync(
                () => form.Locator("button").ClickAsync(), response => response.Request.Method == "POST");
            await page.WaitForFunctionAsync("document.readyState === 'complete'");
            bool isRefused = action.EndsWith("/delete", StringComparison.Ordinal);
            Assert.True(answer.Status == (isRefused ? 400 : 200), $"{action}: {answer.Status}");
            await LookAsync(page, axe, $"the answer of {action}", kind, complaints);
        }
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-new-");
        (HubServices services, HubServer server, string setup) = await FurnishedHub.StartNewAsync(directory);
        await page.GotoAsync(setup);
        await LookAsync(page, axe, "/setup", kind, complaints);
        await server.DisposeAsync();
        await services.DisposeAsync();
        directory.Delete(recursive: true);
        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }

    [Fact]
    public async Task Keyboard_ReachesAllThatCanBeDone_AndTheFocusIsSeen()
    {
        await using IBrowserContext context = await browser.NewContextAsync(address: hub.Address);
        IPage page = await context.NewPageAsync();
        await SignInAsync(page);
        List<string> complaints = [];
        foreach (string address in _pages.Values.SelectMany(addresses => addresses))
        {
            await page.GotoAsync(address);
            int actions = await page.EvaluateAsync<int>(NumberActionsScript);
            HashSet<string> missed = [.. Enumerable.Range(0, actions).Select(number => number.ToString())];
            // Twice as many as there are would be a trap.
            for (int i = 0; i < (actions * 2) + 20 && missed.Count > 0; i++)
            {
                await page.Keyboard.PressAsync("Tab");
                string[] focus = await page.EvaluateAsync<string[]>(FocusScript);
                missed.Remove(focus[0]);
                if (focus[1] != "seen")
                    complaints.Add($"{address}: the focus is not seen on {focus[1]}");
            }
            foreach (string number in missed)
                complaints.Add($"{address}: no Tab leads to {await page.Locator($"[data-action='{number}']").EvaluateAsync<string>("e => e.outerHTML.slice(0, 120)")}");
        }
        Assert.True(complaints.Count == 0, string.Join('\n', complaints.Distinct()));
    }

    private static async Task SignInAsync(IPage page)
    {
        await page.GotoAsync("/signin?back=/account");
        await page.FillAsync("main [name=name]", "alice");
        await page.FillAsync("main [name=password]", PagesHub.Password);
        await page.ClickAsync("main button");
        await page.GetByText("Who you are").WaitForAsync();
    }

    private static async Task LookAsync(IPage page, string axe, string what, string kind, List<string> complaints)
    {
        if (Environment.GetEnvironmentVariable("BERTH_SCREENSHOTS") is { Length: > 0 } directory)
        {
            string name = string.Concat(what.Trim('/').Select(c => char.IsLetterOrDigit(c) ? c : '-'));
            await page.ScreenshotAsync(new() { Path = Path.Join(directory, $"{kind}.{name[..Math.Min(60, name.Length)]}.png"), FullPage = true });
        }
        string[] faults = await page.EvaluateAsync<string[]>(LayoutScript);
        await page.EvaluateAsync(axe);
        string[] violations = await page.EvaluateAsync<string[]>(RulesScript);
        complaints.AddRange(faults.Concat(violations).Select(fault => $"{what}, {kind}: {fault}"));
    }

    // Every field is 12rem wide, or as wide as the form that it is in; short ones (a number, a choice) say their size themselves.
    private const string LayoutScript = """
        (() => {
          const faults = [];
          const wider = document.documentElement.scrollWidth - innerWidth;
          if (wider > 0) {
            const widest = [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).pop();
            faults.push(`${wider} pixels wider than the window: ${widest?.outerHTML.slice(0, 120)}`);
          }
          for (const current of document.querySelectorAll('nav [aria-current=page]')) {
            const place = current.getBoundingClientRect();
            if (place.left < 0 || place.right > innerWidth) faults.push(`the current page of the list is cut off: ${current.textContent}`);
          }
          for (const link of document.querySelectorAll('.menu > a')) {
            if (link.getClientRects()[0].height > 48) faults.push(`the menu wraps at ${link.textContent}`);
          }
          for (const field of document.querySelectorAll('input, textarea')) {
            if (['hidden', 'checkbox', 'radio', 'date'].includes(field.type) || field.size !== 20 || !field.checkVisibility()) continue;
            const form = field.closest('form').getBoundingClientRect();
            const width = field.getBoundingClientRect().width;
            if (width < 192 && width < form.width * 0.9) faults.push(`the field ${field.id} is ${Math.round(width)} pixels wide`);
          }
          return faults;
        })()
        """;

    private const string RulesScript = """
        axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], rules: { 'target-size': { enabled: true } } })
          .then(result => result.passes.length < 5 ? ['axe-core looked at nothing'] : result.violations.flatMap(violation => violation.nodes.map(node =>
            `${violation.id}: ${node.html.slice(0, 160)}: ${node.failureSummary.replace(/\s+/g, ' ')}`)))
        """;

    // Radio buttons of one name are one stop of the Tab key; arrows lead from one to the next.
    private const string NumberActionsScript = """
        (() => {
          const actions = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
            .filter(e => e.checkVisibility() && !(e.type === 'radio' && !e.checked));
          actions.forEach((e, number) => e.dataset.action = number);
          return actions.length;
        })()
        """;

    private const string FocusScript = """
        (() => {
          const focused = document.activeElement;
          if (focused === document.body) return ['', 'seen'];
          const seen = [null, '::after'].some(part => { const style = getComputedStyle(focused, part);
            return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2; });
          return [focused.dataset.action ?? '', seen ? 'seen' : focused.outerHTML.slice(0, 120)];
        })()
        """;
}
