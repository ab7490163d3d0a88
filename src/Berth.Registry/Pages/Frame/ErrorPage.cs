using Berth.Registry.Model;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Frame;

/// <summary>The page of what went wrong, in the frame of all others.</summary>
internal static class ErrorPage
{
    /// <summary>The fault of an address that leads nowhere.</summary>
    public static FaultException NoSuchPage() => FaultException.NotFound("There is no page at this address.");

    /// <summary>The page of a fault.</summary>
    public static PageView Make(PageContext page, FaultException fault)
    {
        string title = fault.Kind switch
        {
            FaultKind.NotFound => page.FormAddress is null ? "Not found" : "That did not work",
            FaultKind.Forbidden => "Not allowed",
            FaultKind.Unauthorized => "Sign in first",
            FaultKind.InvalidArgument => "That did not work",
            FaultKind.Conflict => "That cannot be done now",
            FaultKind.Unavailable => "Try again in a moment",
            _ => "Something went wrong",
        };
        bool offersSignIn = page.Caller.Name is null && page.HasAccounts && fault.Kind is FaultKind.NotFound or FaultKind.Unauthorized;
        string signIn = Links.With(Links.SignIn, ("back", page.Address));
        Markup body = Markup.Of($"""
            <div class="card empty"><h1>{title}</h1><p>{Sentence(fault)}</p>
            <p class="row">
            {Markup.When(page.FormAddress is not null, $"<a class=\"button\" href=\"{page.FormAddress}\">Back to the form</a>")}
            {Markup.When(offersSignIn, $"<a class=\"button\" href=\"{signIn}\">Sign in</a>")}
            <a class="button-quiet" href="{Links.Start}">To the start page</a></p></div>
            """);
        return new PageView { Title = title, Body = body, Status = StatusOf(fault.Kind) };
    }

    /// <summary>The status of a kind of fault: the pages' and the JSON API's own table.</summary>
    public static int StatusOf(FaultKind kind) => kind switch
    {
        FaultKind.InvalidArgument => 400,
        FaultKind.Unauthorized => 401,
        FaultKind.Forbidden => 403,
        FaultKind.NotFound => 404,
        FaultKind.Conflict => 409,
        FaultKind.NotSupported => 501,
        FaultKind.Unavailable or FaultKind.Cancelled => 503,
        _ => 500,
    };

    /// <summary>What a fault says. Those of the domain are told as "attempt: what: cause"; people read sentences.</summary>
    public static string Sentence(FaultException fault)
    {
        if (fault.Kind is FaultKind.Internal)
            return "The hub could not answer. The administrators find the reason in its log.";
        string text = OutwardText.Of(fault);
        string sentence = char.ToUpperInvariant(text[0]) + text[1..];
        return sentence[^1] is '.' or '?' or '!' ? sentence : sentence + ".";
    }
}
