using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Playwright;

namespace Berth.Hub.Tests.Browser;

/// <summary>The real program with some images, and Debian's Chromium to look at it.</summary>
public sealed class BrowserHub : IAsyncLifetime
{
    public const string Repository = "harbour/lighthouse";

    /// <summary>A repository whose only tag is as long as tags may be, without a place to break.</summary>
    public const string LongTagged = "harbour/long";

    /// <summary>An official repository; all others are a verified publisher's.</summary>
    public const string Official = "beacon";

    /// <summary>That tag.</summary>
    public static readonly string LongTag = new('w', 128);

    /// <summary>How many milliseconds the browser may take for anything.</summary>
    public const int Patience = 120_000;

    private HubProgram _hub = null!;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public Uri Address => _hub.Address;

    public string Host => _hub.Host;

    public async ValueTask InitializeAsync()
    {
        _hub = await HubProgram.StartAsync("--anonymous-push");
        for (int i = 1; i <= 3; i++)
        {
            await PushAsync(Repository, $"1.{i}", i);
            await PushAsync(Repository, "stable", i);
        }
        await PushAsync("harbour/pilot", "latest", 1);
        await PushAsync(LongTagged, LongTag, 1);
        await PushAsync(LongTagged, LongTag, 2);
        await PushAsync(Official, "latest", 1);
        await HubTool.OnAsync(_hub.DataDirectory, "a long password\n", "user", "add", "harbour", "--password-stdin");
        await HubTool.OnAsync(_hub.DataDirectory, "", "mark", "set", "verified", "harbour");
        await HubTool.OnAsync(_hub.DataDirectory, "", "mark", "set", "official", Official);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        await _hub.DisposeAsync();
    }

    /// <summary>A fresh browser profile; the test is skipped where there is no Chromium.</summary>
    public async Task<IBrowserContext> NewContextAsync(
        bool isDark = false, bool isPhone = false, bool hasScript = true, Uri? address = null)
    {
        const string Chromium = "/usr/bin/chromium";
        Assert.SkipUnless(File.Exists(Chromium), "Chromium is not installed (./dev setup)");
        _playwright ??= await Playwright.CreateAsync();
        _browser ??= await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Chromium,
            Timeout = Patience,
            // Chromium's sandbox wants user namespaces of its own, which root in a container may not have. Only our own pages are shown.
            Args = ["--no-sandbox", "--disable-gpu"],
        });
        IBrowserContext context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = (address ?? Address).ToString(),
            ColorScheme = isDark ? ColorScheme.Dark : ColorScheme.Light,
            ViewportSize = isPhone ? new ViewportSize { Width = 390, Height = 844 } : new ViewportSize { Width = 1280, Height = 900 },
            JavaScriptEnabled = hasScript,
        });
        context.SetDefaultTimeout(Patience);
        return context;
    }

    /// <summary>Waits until the page shows that address and has loaded.</summary>
    public static async Task ArriveAsync(IPage page, Uri address)
    {
        await Assertions.Expect(page).ToHaveURLAsync(address.ToString(), new() { Timeout = Patience });
        // Asked of the page itself: Playwright's WaitForURL and WaitForLoadState look at what the library has noted and then wait for the next
        // event, and one that comes between the two is waited for in vain.
        await page.WaitForFunctionAsync("document.readyState === 'complete'");
    }

    private async Task PushAsync(string repository, string tag, int number)
    {
        using HttpClient client = new() { BaseAddress = Address };
        string config = $$$"""
            {"architecture":"amd64","os":"linux","config":{"Cmd":["shine"]},"rootfs":{"type":"layers","diff_ids":[]},
            "history":[{"created_by":"COPY lamp /lamp # buildkit"},{"created_by":"CMD [\"shine\"]","empty_layer":true},{"created_by":"RUN /bin/sh -c make light{{{number}}}"}]}
            """;
        string configDigest = await PushBlobAsync(client, repository, config);
        string lamp = await PushBlobAsync(client, repository, "lamp");
        string light = await PushBlobAsync(client, repository, $"light {number}");
        string manifest = $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{configDigest}}","size":{{Encoding.UTF8.GetByteCount(config)}}},
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{lamp}}","size":4},{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{light}}","size":7}]}
            """;
        using ByteArrayContent content = new(Encoding.UTF8.GetBytes(manifest));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/vnd.oci.image.manifest.v1+json");
        using HttpResponseMessage response = await client.PutAsync(new Uri($"/v2/{repository}/manifests/{tag}", UriKind.Relative), content);
        response.EnsureSuccessStatusCode();
    }

    private static async Task<string> PushBlobAsync(HttpClient client, string repository, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
        using ByteArrayContent content = new(bytes);
        using HttpResponseMessage response =
            await client.PostAsync(new Uri($"/v2/{repository}/blobs/uploads/?digest={digest}", UriKind.Relative), content);
        response.EnsureSuccessStatusCode();
        return digest;
    }
}
