using System.CommandLine;
using Berth.Registry.Accounts;
using Berth.Registry.Hosting;
using Berth.Registry.Tokens;

namespace Berth.Hub;

/// <summary><c>berth-hub org …</c> and <c>berth-hub team …</c>.</summary>
internal static class OrganisationCommands
{
    private static readonly Argument<string> s_organisation = new("ORGANISATION") { Description = "The organisation's name" };
    private static readonly Argument<string> s_user = new("USER") { Description = "The user's name" };
    private static readonly Argument<string> s_role = new("ROLE") { Description = "member, maintainer or owner" };
    private static readonly Argument<string> s_team = new("TEAM") { Description = "The team's name" };
    private static readonly Argument<string> s_repository = new("REPOSITORY") { Description = "A repository, or ORGANISATION/* for all" };
    private static readonly Argument<string> s_actions = new("ACTIONS") { Description = "pull,push,delete,administer, or none" };
    private static readonly Option<string> s_owner = new("--owner") { Description = "Its first owner", HelpName = "USER", Required = true };
    private static readonly Option<string> s_display = new("--display-name") { Description = "Its name", DefaultValueFactory = _ => "" };
    private static readonly Option<string> s_description = new("--description") { Description = "What it is for",
        DefaultValueFactory = _ => "" };

    public static Command CreateOrganisations() => new("org", "Manage organisations")
    {
        HubLocation.FirstVerb("add", "Make an organisation", AddAsync, s_organisation, s_owner, s_display),
        HubLocation.Verb("list", "List organisations", ListAsync),
        HubLocation.Verb("rm", "Remove an organisation that has no repositories", (services, parsed, token) =>
            services.Accounts.Organisations.RemoveAsync(HubLocation.Operator, parsed.GetValue(s_organisation)!, token), s_organisation),
        HubLocation.Verb("members", "List the members", MembersAsync, s_organisation),
        HubLocation.Verb("set", "Make a user a member, or change a member's role", SetAsync, s_organisation, s_user, s_role),
        HubLocation.Verb("unset", "Take a user out of an organisation and its teams", (services, parsed, token) =>
            services.Accounts.Organisations.RemoveMemberAsync(
                HubLocation.Operator, parsed.GetValue(s_organisation)!, parsed.GetValue(s_user)!, token), s_organisation, s_user),
    };

    public static Command CreateTeams() => new("team", "Manage teams of organisations")
    {
        HubLocation.Verb("add", "Make a team", (services, parsed, token) => services.Accounts.Teams.CreateAsync(
            HubLocation.Operator, parsed.GetValue(s_organisation)!, parsed.GetValue(s_team)!, parsed.GetValue(s_description)!, token),
            s_organisation, s_team, s_description),
        HubLocation.Verb("list", "List teams, who belongs to them and what they may do", ListTeamsAsync, s_organisation),
        HubLocation.Verb("rm", "Remove a team", (services, parsed, token) => services.Accounts.Teams.RemoveAsync(
            HubLocation.Operator, parsed.GetValue(s_organisation)!, parsed.GetValue(s_team)!, token), s_organisation, s_team),
        HubLocation.Verb("join", "Put a member of the organisation into a team", (services, parsed, token) =>
            services.Accounts.Teams.AddMemberAsync(
            HubLocation.Operator, parsed.GetValue(s_organisation)!, parsed.GetValue(s_team)!, parsed.GetValue(s_user)!, token),
            s_organisation, s_team, s_user),
        HubLocation.Verb("leave", "Take a user out of a team", (services, parsed, token) => services.Accounts.Teams.RemoveMemberAsync(
            HubLocation.Operator, parsed.GetValue(s_organisation)!, parsed.GetValue(s_team)!, parsed.GetValue(s_user)!, token),
            s_organisation, s_team, s_user),
        HubLocation.Verb("permit", "Say what a team may do with a repository", PermitAsync, s_organisation, s_team, s_repository,
            s_actions),
    };

    private static async Task AddAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        Organisation made = await services.Accounts.Organisations.CreateAsync(
            HubLocation.Operator, parsed.GetValue(s_organisation)!, parsed.GetValue(s_display)!, parsed.GetValue(s_owner)!,
                cancellationToken);
        Console.WriteLine(made.Name);
    }

    private static async Task ListAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        const int PageMax = 1000;
        var all = new List<Organisation>();
        List<Organisation> page;
        do
        {
            page = await services.Accounts.Organisations.ListAsync(all.LastOrDefault()?.Name, PageMax, cancellationToken);
            all.AddRange(page);
        }
        while (page.Count == PageMax);
        Output.Table(["NAME", "DISPLAY NAME", "CREATED"], all.Select(organisation => (IReadOnlyList<string>)
            [organisation.Name, organisation.DisplayName, Output.Time(organisation.CreatedAt)]));
    }

    private static async Task MembersAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        List<OrganisationMember> members = await services.Accounts.Organisations.MembersAsync(
            parsed.GetValue(s_organisation)!, cancellationToken);
        Output.Table(["NAME", "ROLE"],
            members.Select(member => (IReadOnlyList<string>)[member.Name, OrganisationService.TextOf(member.Role)]));
    }

    private static Task SetAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!OrganisationService.TryParseRole(parsed.GetValue(s_role), out OrganisationRole role))
            throw FaultException.Invalid($"role {parsed.GetValue(s_role)}: member, maintainer or owner is expected");
        return services.Accounts.Organisations.SetMemberAsync(
            HubLocation.Operator, parsed.GetValue(s_organisation)!, parsed.GetValue(s_user)!, role, cancellationToken);
    }

    private static async Task ListTeamsAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        List<Team> teams = await services.Accounts.Teams.ListAsync(parsed.GetValue(s_organisation)!, cancellationToken);
        Output.Table(["NAME", "MEMBERS", "PERMISSIONS"], teams.Select(team => (IReadOnlyList<string>)
            [team.Name, string.Join(' ', team.Members), TokenScopes.Format(team.Permissions)]));
    }

    private static Task PermitAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        (string repository, string actions) = (parsed.GetValue(s_repository)!, parsed.GetValue(s_actions)!);
        return services.Accounts.Teams.SetPermissionAsync(
            HubLocation.Operator, parsed.GetValue(s_organisation)!, parsed.GetValue(s_team)!, repository,
            actions == "none" ? Registry.Model.RepositoryAccess.None
                : TokenScopes.ParseOne($"{repository}:{actions}").Access, cancellationToken);
    }
}
