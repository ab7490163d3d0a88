using System.Reflection;
using System.Text;
using Berth.Registry.Accounts;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Html;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Registry.Pages.Frame;

/// <summary>One request for a page: who asks, when, and how to answer.</summary>
internal sealed class PageContext(HttpContext http, HubServices services, Caller caller)
{
    /// <summary>The largest form; a README of the longest kind fits, whatever its script.</summary>
    public const int FormBytesMax = 1024 * 1024;

    private string? _token;

    /// <summary>The hub's version.</summary>
    public string Version { get; } =
        typeof(PageContext).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    /// <summary>The request and its answer.</summary>
    public HttpContext Http { get; } = http;

    /// <summary>The hub.</summary>
    public HubServices Services { get; } = services;

    /// <summary>Who asks.</summary>
    public Caller Caller { get; } = caller;

    /// <summary>The moment that ages are told at.</summary>
    public DateTimeOffset Now { get; } = services.Time.GetUtcNow();

    /// <summary>Ends with the request.</summary>
    public CancellationToken Cancelled => Http.RequestAborted;

    /// <summary><c>light</c>, <c>dark</c> or null.</summary>
    public string? Theme => Frame.Theme.Of(Http.Request);

    /// <summary>The page's own address, to come back to.</summary>
    public string Address =>
        HttpMethods.IsGet(Http.Request.Method) ? Http.Request.Path.ToUriComponent() + Http.Request.QueryString.ToUriComponent()
            : Links.Start;

    /// <summary>The page of this hub with the form that was sent; null: none was, or no browser says which.</summary>
    public string? FormAddress => HttpMethods.IsPost(Http.Request.Method)
        && Uri.TryCreate(Http.Request.Headers.Referer.ToString(), UriKind.Absolute, out Uri? from)
        && string.Equals(from.Authority, RegistryHost, StringComparison.OrdinalIgnoreCase) ? from.PathAndQuery : null;

    /// <summary>The host by which clients reach this hub.</summary>
    public string RegistryHost => Services.Accounts.Address.Of(Http).Split("://", 2)[^1];

    /// <summary>The hidden field of each form.</summary>
    public Markup FormToken =>
        Markup.Of($"""<input type="hidden" name="{Forms.FormToken.Field}" value="{_token ??= Forms.FormToken.Issue(Http, Session)}">""");

    /// <summary>The accounts; null on an open hub, where nobody signs in.</summary>
    public AccountServices? Accounts => Services.Options.AnonymousPush ? null : Services.Accounts;

    /// <summary>True where one can sign in.</summary>
    public bool HasAccounts => Accounts is not null;

    /// <summary>True where strangers make accounts.</summary>
    public bool MaySignUp => Accounts?.Settings.SignUp is SignUpMode.Open or SignUpMode.Invited;

    private string Session => SessionCookie.Read(Http) ?? "";

    /// <summary>The accounts of a hub that has some.</summary>
    /// <exception cref="FaultException">NotFound: an open hub.</exception>
    public AccountServices RequireAccounts() => Accounts ?? throw ErrorPage.NoSuchPage();

    /// <summary>The person who signed in, for pages that are theirs alone.</summary>
    /// <exception cref="FaultException">Unauthorized: nobody signed in. Forbidden: a narrowed token or a robot.</exception>
    public (AccountServices Accounts, long Id, string Name) RequirePerson()
    {
        AccountServices accounts = RequireAccounts();
        if (Caller.AccountId is not { } id || Caller.Name is not { } name)
            throw new FaultException(FaultKind.Unauthorized, "This page belongs to an account.");
        return Caller.Scopes is null && !name.Contains('+') ? (accounts, id, name)
            : throw new FaultException(FaultKind.Forbidden, "A narrowed token may not change an account.");
    }

    /// <exception cref="FaultException">NotFound: the caller is no administrator; that there is something here is not told.</exception>
    public AccountServices RequireAdministrator()
    {
        AccountServices accounts = RequireAccounts();
        return Caller.IsAdministrator ? accounts : throw ErrorPage.NoSuchPage();
    }

    /// <summary>One value of the query; empty where there is none.</summary>
    public string Query(string name) => Http.Request.Query[name].ToString();

    /// <summary>Reads a form and checks that it came from a page of this hub.</summary>
    /// <exception cref="FaultException">InvalidArgument: no form or too large. Forbidden: not from here.</exception>
    public async Task<FormFields> ReadFormAsync()
    {
        HttpRequest request = Http.Request;
        if (!request.HasFormContentType)
            throw FaultException.Invalid("read form: the request has none");
        if (Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = FormBytesMax;
        IFormCollection form;
        try
        {
            form = await request.ReadFormAsync(Cancelled).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is BadHttpRequestException or InvalidDataException)
        {
            throw FaultException.Invalid($"read form: {failure.Message}", failure);
        }
        string? token = form[Forms.FormToken.Field];
        if (!Forms.FormToken.IsFromHere(request) || !Forms.FormToken.IsValid(Http, Session, token))
            throw new FaultException(
                FaultKind.Forbidden,
                "The form did not come from this page, or the page was open for too long. Go back and try again.");
        return new FormFields(form);
    }

    /// <summary>Answers with a page.</summary>
    public async Task SendAsync(PageView view)
    {
        // Rendered first: issuing the form's secret sets a cookie, which must stand before the body.
        byte[] body = Encoding.UTF8.GetBytes(PageFrame.Render(this, view).ToString());
        HttpResponse response = Http.Response;
        PageHeaders.Set(response);
        response.StatusCode = view.Status;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(Http.Request.Method))
            await response.Body.WriteAsync(body, Cancelled).ConfigureAwait(false);
    }

    /// <summary>Leads on after a form, so that reloading does not send it again.</summary>
    public Task RedirectAsync(string address, string? done = null)
    {
        PageHeaders.Set(Http.Response);
        Http.Response.StatusCode = StatusCodes.Status303SeeOther;
        Http.Response.Headers.Location = Links.With(address, ("done", done));
        return Task.CompletedTask;
    }
}
