using Microsoft.Playwright;

namespace Berth.Hub.Tests.Browser;

/// <summary>The pages of the real program in a real browser.</summary>
public sealed class BrowserTests(BrowserHub hub) : IClassFixture<BrowserHub>
{
    private static readonly string[] s_pages =
    [
        "/", "/search", "/search?q=light", "/search?is=official", $"/r/{BrowserHub.Official}", $"/r/{BrowserHub.Repository}", $"/r/{BrowserHub.Repository}/-/tags",
        $"/r/{BrowserHub.Repository}/-/tags/stable", $"/r/{BrowserHub.Repository}/-/diary", $"/r/{BrowserHub.Repository}/-/diary/stable",
        "/u/harbour", $"/r/{BrowserHub.LongTagged}", $"/r/{BrowserHub.LongTagged}/-/tags",
        $"/r/{BrowserHub.LongTagged}/-/tags/{BrowserHub.LongTag}", $"/r/{BrowserHub.LongTagged}/-/diary",
        $"/r/{BrowserHub.LongTagged}/-/diary/{BrowserHub.LongTag}", $"/r/{BrowserHub.LongTagged}/-/diary/{BrowserHub.LongTag}?on=2020-01-01",
    ];

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task EveryPage_InBothThemesAndWidths_FitsAndIsReadable(bool isDark, bool isPhone)
    {
        await using IBrowserContext context = await hub.NewContextAsync(isDark, isPhone);
        IPage page = await context.NewPageAsync();
        List<string> complaints = Listen(page);
        foreach (string address in s_pages)
        {
            IResponse? response = await page.GotoAsync(address);
            Assert.True(response is { Status: 200 }, $"{address}: {response?.Status}");
            int overflow = await page.EvaluateAsync<int>("document.documentElement.scrollWidth - innerWidth");
            Assert.True(overflow <= 0, $"{address} is {overflow} pixels wider than the window");
            string faint = await page.EvaluateAsync<string>(ContrastScript);
            Assert.True(faint.Length == 0, $"{address}, {(isDark ? "dark" : "light")}: {faint}");
        }
        Assert.Empty(complaints);
    }

    [Fact]
    public async Task Keyboard_AloneLeadsFromTheStartToAnImage()
    {
        await using IBrowserContext context = await hub.NewContextAsync();
        IPage page = await context.NewPageAsync();
        List<string> complaints = Listen(page);
        await page.GotoAsync("/");
        await page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to content", await FocusAsync(page));
        Assert.True(await page.EvaluateAsync<bool>("document.activeElement.getBoundingClientRect().top >= 0"), "the skip link is not seen");
        await page.Keyboard.PressAsync("Enter");
        Assert.Equal("content", await page.EvaluateAsync<string>("document.activeElement.id"));
        await page.Keyboard.PressAsync("/");
        Assert.Equal("q", await page.EvaluateAsync<string>("document.activeElement.id"));
        await page.Keyboard.TypeAsync("lighthouse");
        await page.Keyboard.PressAsync("Enter");
        await ArriveAsync(page, "/search?q=lighthouse");
        await TabToAsync(page, BrowserHub.Repository);
        await RequireFocusIsSeenAsync(page);
        await page.Keyboard.PressAsync("Enter");
        await ArriveAsync(page, $"/r/{BrowserHub.Repository}");
        await TabToAsync(page, "Tags");
        await page.Keyboard.PressAsync("Enter");
        await ArriveAsync(page, $"/r/{BrowserHub.Repository}/-/tags");
        await TabToAsync(page, "1.2");
        await RequireFocusIsSeenAsync(page);
        await page.Keyboard.PressAsync("Enter");
        await ArriveAsync(page, $"/r/{BrowserHub.Repository}/-/tags/1.2");
        Assert.Contains("make light2", await page.InnerTextAsync("main"), StringComparison.Ordinal);
        Assert.Empty(complaints);
    }

    [Fact]
    public async Task Theme_SwitchesAtOnceAndStays()
    {
        await using IBrowserContext context = await hub.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync("/search");
        string light = await BackgroundAsync(page);
        await page.ClickAsync("form.theme button");
        string dark = await BackgroundAsync(page);
        Assert.NotEqual(light, dark);
        await page.GotoAsync("/");
        Assert.Equal(dark, await BackgroundAsync(page));
        Assert.Equal("dark", await page.GetAttributeAsync("html", "data-theme"));
    }

    [Fact]
    public async Task CopyButton_CopiesTheWholeCommand()
    {
        await using IBrowserContext context = await hub.NewContextAsync();
        await context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        IPage page = await context.NewPageAsync();
        await page.GotoAsync($"/r/{BrowserHub.Repository}/-/tags/stable");
        await page.ClickAsync(".command button >> nth=0");
        await page.WaitForFunctionAsync("document.getElementById('status').textContent.includes('Copied')");
        Assert.Equal(
            $"docker pull {hub.Host}/{BrowserHub.Repository}:stable", await page.EvaluateAsync<string>("navigator.clipboard.readText()"));
    }

    [Fact]
    public async Task TagFilter_ShowsWhatIsTyped()
    {
        await using IBrowserContext context = await hub.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync($"/r/{BrowserHub.Repository}/-/tags");
        await page.FillAsync("#filter", "stab");
        Assert.Equal(["stable"], await page.Locator("#tag-list tbody tr:visible .tag-name").AllInnerTextsAsync());
        await page.FillAsync("#filter", "");
        Assert.Equal(4, await page.Locator("#tag-list tbody tr:visible").CountAsync());
    }

    [Fact]
    public async Task EverythingThatMatters_WorksWithoutAScript()
    {
        await using IBrowserContext context = await hub.NewContextAsync(hasScript: false);
        IPage page = await context.NewPageAsync();
        await page.GotoAsync("/");
        await page.FillAsync("#q", "lighthouse");
        await page.ClickAsync(".hero-search button");
        await ArriveAsync(page, "/search?q=lighthouse");
        await page.ClickAsync("text=lighthouse >> nth=0");
        await ArriveAsync(page, $"/r/{BrowserHub.Repository}");
        await page.ClickAsync("text=Tag diary");
        // A click has happened when the next page has begun to come, which is not all of it.
        await Assertions.Expect(page.Locator(".diary > li")).ToHaveCountAsync(6, new() { Timeout = BrowserHub.Patience });
        await page.ClickAsync("form.theme button");
        await Assertions.Expect(page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark", new() { Timeout = BrowserHub.Patience });
        await page.GotoAsync($"/r/{BrowserHub.Repository}/-/tags?filter=stab");
        Assert.Equal(1, await page.Locator("#tag-list tbody tr").CountAsync());
        Assert.Equal(0, await page.Locator(".command button").CountAsync());
    }

    /// <summary>What the browser complains about: errors of scripts, the console, and the content security policy.</summary>
    private static List<string> Listen(IPage page)
    {
        List<string> complaints = [];
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                complaints.Add($"{page.Url}: {message.Text}");
        };
        page.PageError += (_, error) => complaints.Add($"{page.Url}: {error}");
        page.RequestFailed += (_, request) => complaints.Add($"{page.Url}: {request.Url}: {request.Failure}");
        return complaints;
    }

    private Task ArriveAsync(IPage page, string address) => BrowserHub.ArriveAsync(page, new Uri(hub.Address, address));

    private static Task<string> FocusAsync(IPage page) => page.EvaluateAsync<string>("document.activeElement.textContent.trim()");

    private static async Task TabToAsync(IPage page, string text)
    {
        List<string> passed = [];
        for (int i = 0; i < 60; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            passed.Add(await FocusAsync(page));
            if (passed[^1] == text)
                return;
        }
        Assert.Fail($"no Tab leads to {text} on {page.Url}: {string.Join(", ", passed)}");
    }

    // A card draws the outline around itself, in the pseudo-element that makes all of it a link.
    private static async Task RequireFocusIsSeenAsync(IPage page) => Assert.True(await page.EvaluateAsync<bool>("""
        [null, '::after'].some(part => { const style = getComputedStyle(document.activeElement, part);
            return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2; })
        """), $"the focus on {page.Url} is not seen");

    private static Task<string> BackgroundAsync(IPage page) => page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");

    // WCAG 2.2, 1.4.3: 4.5 to 1 for text, 3 to 1 for large text. Each text against the nearest background that is not transparent.
    private const string ContrastScript = """
        (() => {
          const channel = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
          const luminance = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
          const parse = text => { const n = text.match(/[\d.]+/g)?.map(Number) ?? []; return n.length < 3 ? null : n; };
          const over = (top, under) => { const a = top[3] ?? 1; return [0, 1, 2].map(i => top[i] * a + under[i] * (1 - a)); };
          const ground = element => {
            const layers = [];
            for (let e = element; e; e = e.parentElement) {
              const c = parse(getComputedStyle(e).backgroundColor);
              if (c && (c[3] ?? 1) > 0) { layers.push(c); if ((c[3] ?? 1) === 1) break; }
            }
            return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
          };
          const faint = [];
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let node; (node = walker.nextNode());) {
            const element = node.parentElement;
            if (!node.textContent.trim() || !element.checkVisibility() || element.closest('.visually-hidden, script, option')) continue;
            const style = getComputedStyle(element);
            const colour = parse(style.color);
            const under = ground(element);
            const a = luminance(over(colour, under)), b = luminance(under);
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            const size = parseFloat(style.fontSize);
            const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
            if (ratio < (large ? 3 : 4.5)) faint.push(`${node.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
          }
          return [...new Set(faint)].join('; ');
        })()
        """;
}
