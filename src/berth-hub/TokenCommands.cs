using System.CommandLine;
using System.Globalization;
using Berth.Registry.Hosting;
using Berth.Registry.Tokens;

namespace Berth.Hub;

/// <summary><c>berth-hub token …</c>: personal tokens of users, robot tokens of organisations.</summary>
internal static class TokenCommands
{
    private static readonly Argument<string> s_owner = new("OWNER") { Description = "A user, or an organisation for a robot" };
    private static readonly Argument<string> s_name = new("NAME") { Description = "The token's name" };

    private static readonly Option<string[]> s_scopes = new("--scope")
    {
        Description = "What it is narrowed to, as in alice/app:pull or alice/*:pull,push; may be repeated", HelpName = "REPOSITORY:ACTIONS",
    };

    private static readonly Option<string?> s_expires = new("--expires") { Description = "Its end, in days from now", HelpName = "DAYS" };

    public static Command Create() => new("token", "Manage personal and robot tokens")
    {
        HubLocation.Verb("create", "Make a token and print it; it is not shown again", CreateAsync, s_owner, s_name, s_scopes, s_expires),
        HubLocation.Verb("list", "List tokens", ListAsync, s_owner),
        HubLocation.Verb("revoke", "Revoke a token", RevokeAsync, s_owner, s_name),
    };

    private static async Task CreateAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        (long id, bool isOrganisation) = await OwnerAsync(services, parsed, cancellationToken);
        DateTimeOffset? end = null;
        if (parsed.GetValue(s_expires) is { } days)
        {
            if (!int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count is 0 or > 36500)
                throw FaultException.Invalid($"--expires {days}: a number of days is expected");
            end = services.Time.GetUtcNow().AddDays(count);
        }
        string[] scopes = parsed.GetValue(s_scopes) ?? [];
        (_, string secret) = await services.Accounts.Secrets.CreateTokenAsync(
            HubLocation.Operator, isOrganisation ? SecretKind.Robot : SecretKind.Personal, id, parsed.GetValue(s_name)!,
            scopes.Length > 0 ? TokenScopes.Parse(scopes) : null, end, cancellationToken);
        Console.WriteLine(secret);
    }

    private static async Task ListAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        (long id, _) = await OwnerAsync(services, parsed, cancellationToken);
        List<StoredToken> tokens = await services.Accounts.Secrets.ListTokensAsync(id, cancellationToken);
        Output.Table(["NAME", "TOKEN", "SCOPES", "CREATED", "EXPIRES", "LAST USED"], tokens.Select(token => (IReadOnlyList<string>)
        [
            token.Name, token.Hint, token.Scopes is { } scopes ? TokenScopes.Format(scopes) : "(all)", Output.Time(token.CreatedAt),
            Output.Time(token.ExpiresAt), Output.Time(token.LastUsedAt),
        ]));
    }

    private static async Task RevokeAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        (long id, _) = await OwnerAsync(services, parsed, cancellationToken);
        if (!await services.Accounts.Secrets.RevokeTokenAsync(HubLocation.Operator, id, parsed.GetValue(s_name)!, cancellationToken))
            throw FaultException.NotFound($"token {parsed.GetValue(s_name)}: {parsed.GetValue(s_owner)} has none of this name");
    }

    private static async Task<(long Id, bool IsOrganisation)> OwnerAsync(
        HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        string owner = parsed.GetValue(s_owner)!;
        if (await services.Accounts.Users.FindAsync(owner, cancellationToken) is { } user)
            return (user.Id, false);
        return await services.Accounts.Organisations.FindAsync(owner, cancellationToken) is { } organisation
            ? (organisation.Id, true)
                : throw FaultException.NotFound($"token owner {owner}: there is no user or organisation of this name");
    }
}
