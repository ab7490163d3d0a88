using Berth.Registry.Accounts;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;

namespace Berth.Registry.Pages.Accounts;

/// <summary>The webhooks of a user or an organisation: made, their secret shown once, what they were told, removed.</summary>
internal static class WebhookPages
{
    private const int DeliveriesShown = 5;

    public static async Task<PageView> MakeAsync(PageContext page, string name)
    {
        bool isOrganisation = await RequireOwnerAsync(page, name);
        WebhookService webhooks = page.Services.Operation.Webhooks;
        List<Webhook> all = await webhooks.ListAsync(name, page.Cancelled);
        var cards = new List<Markup>();
        foreach (Webhook webhook in all)
            cards.Add(Card(page, name, webhook, await webhooks.DeliveriesAsync(webhook.Id, DeliveriesShown, page.Cancelled)));
        Markup content = Markup.Of($"""
            <p>A webhook is an address that is told of pushes and deletions, signed with a secret as
            standardwebhooks.com says.</p>
            {(cards.Count == 0 ? Markup.Of($"<div class=\"card empty\"><p>No webhooks yet.</p></div>") : Markup.Join(cards))}
            {(page.Services.Operation.Hosts.IsEmpty ? NoHosts() : NewForm(page, name))}
            """);
        return View(page, name, isOrganisation, content);
    }

    public static async Task CreateAsync(PageContext page, string name)
    {
        FormFields form = await page.ReadFormAsync();
        bool isOrganisation = await RequireOwnerAsync(page, name);
        string repository = form.Text("repository");
        RequireOf(name, repository);
        (Webhook made, string secret) = await page.Services.Operation.Webhooks.CreateAsync(
            page.Caller, repository, form.Text("url"), form.All("event"), page.Cancelled);
        Markup content = Markup.Of($"""
            <div class="secret" role="status"><h2>{made.Repository}</h2>
            <p><b>Copy the secret now: it is not shown again.</b></p>{Commands.Box(secret)}</div>
            <p><a class="button-quiet" href="{Links.Webhooks(name)}">I have it</a></p>
            """);
        await page.SendAsync(View(page, name, isOrganisation, content));
    }

    public static async Task RemoveAsync(PageContext page, string name)
    {
        FormFields form = await page.ReadFormAsync();
        await RequireOwnerAsync(page, name);
        if (!await page.Services.Operation.Webhooks.RemoveAsync(page.Caller, name, form.Id("id"), page.Cancelled))
            throw FaultException.NotFound("There is no such webhook any more.");
        await page.RedirectAsync(Links.Webhooks(name), "removed");
    }

    /// <summary>True for an organisation.</summary>
    /// <exception cref="FaultException">NotFound: there is no such account, or it is not the reader's.</exception>
    private static async Task<bool> RequireOwnerAsync(PageContext page, string name)
    {
        (AccountServices accounts, long id, string reader) = page.RequirePerson();
        bool isOrganisation = await accounts.Organisations.FindAsync(name, page.Cancelled) is not null;
        if (reader == name || page.Caller.IsAdministrator
            || isOrganisation && await accounts.Organisations.RoleAsync(name, id, page.Cancelled) == OrganisationRole.Owner)
            return isOrganisation;
        throw ErrorPage.NoSuchPage();
    }

    private static void RequireOf(string name, string repository)
    {
        if (!repository.StartsWith(name + "/", StringComparison.Ordinal))
            throw FaultException.Invalid($"webhook: {name}/* or one of its repositories is expected");
    }

    // One's own stand among the settings of the account.
    private static PageView View(PageContext page, string name, bool isOrganisation, Markup content) => page.Caller.Name == name
        ? AccountPages.Sided(page, "webhooks", "Webhooks", content)
        : new PageView
        {
            Title = $"Webhooks of {name}",
            Body = Markup.Of($"""
                {OwnerPage.Head(name, "webhooks", isMember: isOrganisation, mayManage: isOrganisation, isOrganisation: isOrganisation)}
                {content}
                """),
        };

    private static Markup Card(PageContext page, string name, Webhook webhook, List<WebhookDelivery> deliveries) => Markup.Of($"""
        <section class="card" aria-labelledby="webhook-{webhook.Id}"><div class="section-head">
        <h2 id="webhook-{webhook.Id}" class="wrap">{webhook.Repository}</h2><form method="post" action="{Links.Webhooks(name)}/remove">
        {page.FormToken}<input type="hidden" name="id" value="{webhook.Id}"><button class="button-danger button-small">Remove
        <span class="visually-hidden">the webhook of {webhook.Repository}</span></button></form></div><dl class="facts">
        <dt>Address</dt><dd><code>{webhook.Url}</code></dd><dt>Is told of</dt><dd>{string.Join(" and ", webhook.Events)}</dd>
        <dt>Last told</dt><dd>{(deliveries.Count == 0 ? Markup.Of($"<span class=\"soft\">nothing yet</span>")
            : Markup.Join(deliveries.Select(delivery => Told(page, delivery))))}</dd></dl></section>
        """);

    private static Markup Told(PageContext page, WebhookDelivery delivery) => Markup.Of($"""
        <div>{delivery.State}{Markup.When(delivery.Status is not null, $", answered {delivery.Status ?? 0}")}
        {Markup.When(delivery.Problem is not null, $", {delivery.Problem ?? ""}")}, {Figures.Counted(delivery.Attempts, "attempt")},
        <span class="soft">{Figures.Moment(delivery.NextAt.ToUnixTimeMilliseconds(), page.Now)}</span></div>
        """);

    private static Markup NoHosts() => Markup.Of($"""
        <p class="soft">This hub sends webhooks nowhere: <code>webhook-hosts</code> in its configuration file says where it may.</p>
        """);

    private static Markup NewForm(PageContext page, string name) => Markup.Of($"""
        <section class="card" aria-labelledby="new-webhook"><h2 id="new-webhook">New webhook</h2>
        <form method="post" action="{Links.Webhooks(name)}">{page.FormToken}
        {Field.Line("repository", "Repository", name + "/*",
            Markup.Of($"required maxlength=\"255\" autocapitalize=\"none\" spellcheck=\"false\" "),
            $"One repository, or {name}/* for all.")}
        {Field.Line("url", "Address", "",
            Markup.Of($"type=\"url\" required maxlength=\"{WebhookService.UrlLengthMax}\" autocomplete=\"off\" "))}
        {Event("push", "pushes")}{Event("delete", "deletions")}<button class="button">Make the webhook</button></form></section>
        """);

    private static Markup Event(string value, string label) => Markup.Of($"""
        <div class="choice"><input type="checkbox" id="event-{value}" name="event" value="{value}" checked>
        <label for="event-{value}">It is told of {label}</label></div>
        """);
}
