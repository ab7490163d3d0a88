using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace Berth.Registry.Tests.Pages;

/// <summary>Reads pages and sends their forms as a browser without a script does.</summary>
public sealed class PageReader : IDisposable
{
    private readonly HttpClient _client;

    public PageReader(Uri address) =>
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() })
        {
            BaseAddress = address,
        };

    /// <summary>The page that a browser says it sends a form from; null: it says none.</summary>
    public Uri? Referrer { get; set; }

    /// <summary>The last answer.</summary>
    public HttpResponseMessage Response { get; private set; } = null!;

    /// <summary>Its document.</summary>
    public IDocument Document { get; private set; } = null!;

    public HttpStatusCode Status => Response.StatusCode;

    /// <summary>The text of the page's content.</summary>
    public string Text => Document.QuerySelector("main")!.TextContent;

    public async Task GetAsync(string path) => await ReadAsync(await _client.GetAsync(new Uri(path, UriKind.Relative)));

    /// <summary>Signs in.</summary>
    public async Task SignInAsync(string user, string password = PagesHub.Password)
    {
        await GetAsync("/signin");
        await SubmitAsync("/signin", ("name", user), ("password", password));
    }

    /// <summary>Sends the form of the present page that has this address, with the fields that it has and those that are given, and
    /// follows where it leads.</summary>
    public async Task SubmitAsync(string action, params (string Name, string Value)[] fields)
    {
        IHtmlFormElement form = Document.QuerySelectorAll<IHtmlFormElement>("form").First(form =>
            form.GetAttribute("action") == action && fields.All(field => field.Value != "" || form.QuerySelector($"[name={field.Name}]") is not null));
        await SubmitAsync(form, fields);
    }

    public async Task SubmitAsync(IHtmlFormElement form, params (string Name, string Value)[] fields)
    {
        Dictionary<string, string> values = form.QuerySelectorAll("input[type=hidden]")
            .ToDictionary(input => input.GetAttribute("name")!, input => input.GetAttribute("value") ?? "");
        foreach ((string name, string value) in fields)
            values[name] = value;
        await PostAsync(form.GetAttribute("action")!, values, "same-origin");
        if (Status == HttpStatusCode.SeeOther)
            await GetAsync(Response.Headers.Location!.ToString());
    }

    /// <summary>Sends fields as they are.</summary>
    public async Task PostAsync(string path, IReadOnlyDictionary<string, string> values, string? site)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = new FormUrlEncodedContent(values) };
        if (site is not null)
            request.Headers.Add("Sec-Fetch-Site", site);
        request.Headers.Referrer = Referrer;
        await ReadAsync(await _client.SendAsync(request));
    }

    public void Dispose() => _client.Dispose();

    private async Task ReadAsync(HttpResponseMessage response)
    {
        Response = response;
        Document = new HtmlParser().ParseDocument(await response.Content.ReadAsStringAsync());
    }
}
