using Berth.Registry.Accounts;
using Berth.Registry.Model;
using Berth.Registry.Pages.Forms;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Pages.Html;
using Berth.Registry.Pages.Start;
using Berth.Registry.Tokens;

namespace Berth.Registry.Pages.Accounts;

/// <summary>Organisations: one's own, their people and teams, their robots.</summary>
internal static class OrganisationPages
{
    public static async Task<PageView> MineAsync(PageContext page)
    {
        (AccountServices accounts, long id, _) = page.RequirePerson();
        List<(Organisation Organisation, OrganisationRole Role)> mine = await accounts.Organisations.ListOfAsync(id, page.Cancelled);
        Markup list = mine.Count == 0
            ? Markup.Of($"""
                <div class="card empty"><p>You belong to no organisation. One is a name that several people have together.</p></div>
                """)
            : Markup.Of($"""
                <ul class="repositories">{mine.Select(each => Markup.Of($"""
                    <li class="repository">{PageFrame.Tile(each.Organisation.Name)}<div class="grow"><h2>
                    <a href="{Links.Organisation(each.Organisation.Name)}">{each.Organisation.Name}</a> <span class="badge">
                    {RoleText(each.Role)}</span>
                    </h2>{Markup.When(each.Organisation.DisplayName.Length > 0, $"<p>{each.Organisation.DisplayName}</p>")}</div></li>
                    """))}</ul><br>
                """);
        Markup content = Markup.Of($"""
            {list}<section class="card" aria-labelledby="new"><h2 id="new">New organisation</h2>
            <form method="post" action="{Links.Organisations}">{page.FormToken}
            {Field.AccountName("name", "Name", "", "Its repositories begin with it.")}
            {Field.Line("display-name", "Name as people read it", "", Markup.Of($"maxlength=\"100\" autocomplete=\"organization\" "))}
            <button class="button">Make it</button></form></section>
            """);
        return AccountPages.Sided(page, "organisations", "Organisations", content);
    }

    public static async Task CreateAsync(PageContext page)
    {
        FormFields form = await page.ReadFormAsync();
        (AccountServices accounts, _, string name) = page.RequirePerson();
        Organisation made = await accounts.Organisations.CreateAsync(
            page.Caller, form.Text("name"), form.Text("display-name"), name, page.Cancelled);
        await page.RedirectAsync(Links.Organisation(made.Name), "created");
    }

    /// <summary>Members and teams. Members and administrators see them; owners change them.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation, or none of the reader's.</exception>
    public static async Task<PageView> PeopleAsync(PageContext page, string name)
    {
        (AccountServices accounts, OrganisationRole role) = await OpenAsync(page, name);
        List<OrganisationMember> members = await accounts.Organisations.MembersAsync(name, page.Cancelled);
        List<Team> teams = await accounts.Teams.ListAsync(name, page.Cancelled);
        bool isOwner = role == OrganisationRole.Owner;
        Markup content = Markup.Of($"""
            {OwnerPage.Head(name, "people", isMember: true, mayManage: isOwner)}
            <section class="card card-flush" aria-labelledby="members"><h2 id="members" class="visually-hidden">Members</h2>
            <table class="table"><thead><tr><th scope="col">Member</th>
            <th scope="col">Role</th>
            {Markup.When(isOwner, $"<th scope=\"col\"><span class=\"visually-hidden\">Change</span></th>")}</tr></thead>
            <tbody>{members.Select(member => MemberRow(page, name, member, isOwner))}</tbody></table></section>
            {(isOwner ? AddMember(page, name) : Markup.Empty)}
            <h2>Teams</h2>{(teams.Count == 0
                ? Markup.Of($"<p class=\"soft\">No teams yet. A team gives its members rights in some of the repositories.</p>")
                    : Markup.Join(teams.Select(team => TeamCard(page, name, team, isOwner))))}
            {(isOwner ? NewTeam(page, name) : Markup.Empty)}
            """);
        return new PageView { Title = $"People of {name}", Body = content };
    }

    public static async Task<PageView> RobotsAsync(PageContext page, string name)
    {
        (AccountServices accounts, Organisation organisation) = await OpenAsOwnerAsync(page, name);
        Markup content = Markup.Of($"""
            {OwnerPage.Head(name, "robots", isMember: true, mayManage: true)}
            <p>A robot is a token of the organisation, for a build server or a cluster: it does not end when somebody leaves. It signs
            in as <code>{name}+its-name</code>.</p>
            {await TokenPages.ListAsync(page, accounts, organisation.Id, Links.Robots(name))}
            {TokenPages.NewForm(page, Links.Robots(name), name, isRobot: true)}
            """);
        return new PageView { Title = $"Robots of {name}", Body = content };
    }

    /// <summary>A form of an organisation's pages.</summary>
    public static async Task WriteAsync(PageContext page, string name, string action)
    {
        FormFields form = await page.ReadFormAsync();
        (AccountServices accounts, Organisation organisation) = await OpenAsOwnerAsync(page, name);
        Caller actor = page.Caller;
        CancellationToken token = page.Cancelled;
        switch (action)
        {
            case "robots":
                (StoredToken robot, string secret) = await TokenPages.CreateAsync(page, accounts, SecretKind.Robot, organisation.Id, form);
                Markup once = TokenPages.Once(page, robot, secret, RobotName.Of(name, robot.Name), Links.Robots(name));
                await page.SendAsync(new PageView { Title = $"Robots of {name}", Body = once });
                return;
            case "robots/revoke":
                await TokenPages.RevokeAsync(page, accounts, organisation.Id, form);
                await page.RedirectAsync(Links.Robots(name), "revoked");
                return;
            case "member":
                await accounts.Organisations.SetMemberAsync(actor, name, form.Text("user"), RoleOf(form.Text("role")), token);
                break;
            case "member-remove":
                await accounts.Organisations.RemoveMemberAsync(actor, name, form.Text("user"), token);
                break;
            case "team":
                await accounts.Teams.CreateAsync(actor, name, form.Text("team"), form.Text("description"), token);
                break;
            case "team-remove":
                await accounts.Teams.RemoveAsync(actor, name, form.Text("team"), token);
                break;
            case "team-member":
                await accounts.Teams.AddMemberAsync(actor, name, form.Text("team"), form.Text("user"), token);
                break;
            case "team-member-remove":
                await accounts.Teams.RemoveMemberAsync(actor, name, form.Text("team"), form.Text("user"), token);
                break;
            case "team-permission":
                await accounts.Teams.SetPermissionAsync(actor, name, form.Text("team"), form.Text("repository"),
                    AccessOf(form.Text("access")), token);
                break;
            default:
                throw ErrorPage.NoSuchPage();
        }
        await page.RedirectAsync(Links.Organisation(name), action.EndsWith("remove", StringComparison.Ordinal) ? "removed" : "saved");
    }

    /// <summary>What the words of forms and of the JSON API mean.</summary>
    public static OrganisationRole RoleOf(string text) => text switch
    {
        "owner" => OrganisationRole.Owner,
        "maintainer" => OrganisationRole.Maintainer,
        "member" => OrganisationRole.Member,
        _ => throw FaultException.Invalid("role: member, maintainer or owner is expected"),
    };

    public static string RoleText(OrganisationRole role) => role switch
    {
        OrganisationRole.Owner => "owner",
        OrganisationRole.Maintainer => "maintainer",
        _ => "member",
    };

    public static RepositoryAccess AccessOf(string text) => text switch
    {
        "none" => RepositoryAccess.None,
        "pull" => RepositoryAccess.Pull,
        "push" => RepositoryAccess.Pull | RepositoryAccess.Push,
        "delete" => RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete,
        _ => throw FaultException.Invalid("access: none, pull, push or delete is expected"),
    };

    /// <summary>The reader's role; an administrator counts as an owner.</summary>
    /// <exception cref="FaultException">NotFound: no such organisation, or the reader is not in it.</exception>
    public static async Task<(AccountServices Accounts, OrganisationRole Role)> OpenAsync(PageContext page, string name)
    {
        (AccountServices accounts, long id, _) = page.RequirePerson();
        if (await accounts.Organisations.FindAsync(name, page.Cancelled) is null)
            throw FaultException.NotFound("There is no such organisation, or you are not in it.");
        OrganisationRole? role = page.Caller.IsAdministrator ? OrganisationRole.Owner
            : await accounts.Organisations.RoleAsync(name, id, page.Cancelled);
        return (accounts, role ?? throw FaultException.NotFound("There is no such organisation, or you are not in it."));
    }

    /// <exception cref="FaultException">NotFound as in <see cref="OpenAsync"/>; Forbidden: the reader is no owner.</exception>
    public static async Task<(AccountServices Accounts, Organisation Organisation)> OpenAsOwnerAsync(PageContext page, string name)
    {
        (AccountServices accounts, OrganisationRole role) = await OpenAsync(page, name);
        if (role != OrganisationRole.Owner)
            throw new FaultException(FaultKind.Forbidden, $"Only owners of {name} may do this.");
        return (accounts, (await accounts.Organisations.FindAsync(name, page.Cancelled))!);
    }

    private static Markup MemberRow(PageContext page, string organisation, OrganisationMember member, bool isOwner) => Markup.Of($"""
        <tr><td><span class="row">{PageFrame.Tile(member.Name, "tile-small")}<span>
        <b>{member.Name}</b> <span class="soft">{member.DisplayName}</span></span></span></td>
        <td data-label="Role">{(isOwner ? RoleForm(page, organisation, member) : Markup.Text(RoleText(member.Role)))}</td>
        {(isOwner ? RemoveMember(page, organisation, member) : Markup.Empty)}</tr>
        """);

    private static Markup RemoveMember(PageContext page, string organisation, OrganisationMember member) => Markup.Of($"""
        <td class="number">{Open(page, organisation, "member-remove")}<input type="hidden" name="user" value="{member.Name}">
        <button class="button-quiet button-small">Remove<span class="visually-hidden"> {member.Name}</span></button></form></td>
        """);

    private static Markup RoleForm(PageContext page, string organisation, OrganisationMember member) => Markup.Of($"""
        {Open(page, organisation, "member", "row")}<input type="hidden" name="user" value="{member.Name}">
        <label class="visually-hidden" for="role-{member.Name}">Role of {member.Name}</label>
        <select id="role-{member.Name}" name="role">{Roles(RoleText(member.Role))}</select>
        <button class="button-quiet button-small">Set</button></form>
        """);

    private static Markup AddMember(PageContext page, string name) => Markup.Of($"""
        <section class="card" aria-labelledby="add"><h2 id="add">Add somebody</h2>{Open(page, name, "member", "inline-form")}
        <div class="grow"><label for="add-user">Name</label>
        <input id="add-user" name="user" required maxlength="39" autocapitalize="none" spellcheck="false" autocomplete="off"></div>
        <div><label for="add-role">Role</label><select id="add-role" name="role">{Roles("member")}</select></div>
        <button class="button">Add</button></form>
        <p class="hint">Members do what their teams give. Maintainers do everything with all repositories. Owners also manage
        members, robots and webhooks.</p>
        </section>
        """);

    private static Markup TeamCard(PageContext page, string organisation, Team team, bool isOwner) => Markup.Of($"""
        <section class="card" aria-labelledby="team-{team.Name}"><div class="section-head">
        <h3 id="team-{team.Name}">{team.Name}</h3>
        {(isOwner ? RemoveTeam(page, organisation, team) : Markup.Empty)}</div>
        {Markup.When(team.Description.Length > 0, $"<p class=\"soft\">{team.Description}</p>")}
        <dl class="facts"><dt>Members</dt>
        <dd>{(team.Members.Count == 0 ? Markup.Of($"<span class=\"soft\">nobody yet</span>")
            : Markup.Join(team.Members.Select(member => TeamMember(page, organisation, team, member, isOwner))))}</dd>
        <dt>Rights</dt><dd>{(team.Permissions.Count == 0 ? Markup.Of($"<span class=\"soft\">none yet</span>")
            : Markup.Join(team.Permissions.Select(right =>
                Markup.Of($"<div><code>{right.Repository}</code> {string.Join(", ",
                    ScopeText.ActionsOf(right.Access))}</div>"))))}</dd></dl>
        {(isOwner ? TeamForms(page, organisation, team) : Markup.Empty)}</section>
        """);

    private static Markup RemoveTeam(PageContext page, string organisation, Team team) => Markup.Of($"""
        {Open(page, organisation, "team-remove")}{Hidden(team)}
        <button class="button-danger button-small">Remove<span class="visually-hidden"> the team {team.Name}</span></button></form>
        """);

    private static Markup TeamMember(PageContext page, string organisation, Team team, string member, bool isOwner) => isOwner
        ? Markup.Of($"""
            <div class="row"><span>{member}</span>
            {Open(page, organisation, "team-member-remove")}{Hidden(team)}<input type="hidden" name="user" value="{member}">
            <button class="button-quiet button-small">Remove<span class="visually-hidden"> {member} from {team.Name}</span></button>
            </form></div>
            """)
        : Markup.Of($"""<div>{member}</div>""");

    private static Markup TeamForms(PageContext page, string organisation, Team team) => Markup.Of($"""
        <hr>{Open(page, organisation, "team-member", "inline-form")}{Hidden(team)}<div class="grow">
        <label for="user-{team.Name}">Member to add</label>
        <input id="user-{team.Name}" name="user" required maxlength="39" autocapitalize="none" spellcheck="false" autocomplete="off">
        </div><button class="button-quiet">Add</button></form><br>
        {Open(page, organisation, "team-permission", "inline-form")}{Hidden(team)}<div class="grow">
        <label for="repository-{team.Name}">Repository</label>
        <input id="repository-{team.Name}" name="repository" value="{organisation}/*" required maxlength="255" autocapitalize="none"
        spellcheck="false"></div><div><label for="access-{team.Name}">Right</label>
        <select id="access-{team.Name}" name="access">
        {SearchPage.Option("pull", "pull", "pull")}{SearchPage.Option("push", "pull and push", "pull")}
        {SearchPage.Option("delete", "pull, push and delete", "pull")}{SearchPage.Option("none", "none", "pull")}</select></div>
        <button class="button-quiet">Set</button></form>
        """);

    private static Markup NewTeam(PageContext page, string name) => Markup.Of($"""
        <section class="card" aria-labelledby="new-team">
        <h2 id="new-team">New team</h2>
        {Open(page, name, "team")}
        {Field.Line("team", "Name", "",
            Markup.Of($"required maxlength=\"39\" autocapitalize=\"none\" spellcheck=\"false\" autocomplete=\"off\" "))}
        {Field.Line("description", "What it is for", "", Markup.Of($"maxlength=\"500\" "))}
        <button class="button">Make it</button></form></section>
        """);

    private static Markup Roles(string chosen) =>
        Markup.Join(new[] { "member", "maintainer", "owner" }.Select(role => SearchPage.Option(role, role, chosen)));

    private static Markup Hidden(Team team) => Markup.Of($"""<input type="hidden" name="team" value="{team.Name}">""");

    private static Markup Open(PageContext page, string organisation, string action, string style = "") =>
        Markup.Of($"""<form method="post" action="{Links.Owner(organisation)}/-/{action}" class="{style}">{page.FormToken}""");
}
