using System.CommandLine;
using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Htpasswd;
using Berth.Registry.Hosting;
using Berth.Registry.Tokens;

namespace Berth.Hub;

/// <summary><c>berth-hub user …</c>.</summary>
internal static class UserCommands
{
    private static readonly Argument<string> s_name = new("NAME") { Description = "The user's name" };
    private static readonly Argument<string> s_subject = new("SUBJECT") { Description = "Who they are at the OpenID provider (sub)" };
    private static readonly Option<bool> s_admin = new("--admin") { Description = "Make an administrator" };
    private static readonly Option<bool> s_passwordStdin = new(
        "--password-stdin") { Description = "Take the password from standard input" };
    private static readonly Option<bool> s_noPassword = new("--no-password") { Description = "For those who sign in through a provider" };
    private static readonly Option<string> s_display = new("--display-name") { Description = "Their name", DefaultValueFactory = _ => "" };
    private static readonly Option<string> s_email = new("--email") { Description = "Their address", DefaultValueFactory = _ => "" };
    private static readonly Option<string> s_note = new("--note") { Description = "Whom it is for", DefaultValueFactory = _ => "" };

    private static readonly Argument<string> s_file = new("FILE") { Description = "The htpasswd file, whose passwords are bcrypt's" };
    private static readonly Option<bool> s_dryRun = new("--dry-run") { Description = "Say what would be done, and do nothing" };
    private static readonly Option<bool> s_replace = new("--replace-passwords")
    {
        Description = "Give users that exist the file's passwords, too; their sessions end",
    };

    public static Command Create() => new("user", "Manage users")
    {
        HubLocation.FirstVerb("add", "Make a user", AddAsync, s_name, s_admin, s_passwordStdin, s_noPassword, s_display, s_email),
        HubLocation.Verb(
            "import", "Take the users of an htpasswd file, as docker-registry has it, with their passwords", ImportAsync, s_file, s_dryRun,
            s_replace),
        HubLocation.Verb("list", "List users", ListAsync),
        HubLocation.Verb("passwd", "Set a password; sessions end", SetPasswordAsync, s_name, s_passwordStdin),
        HubLocation.Verb("rm", "Remove a user who has no repositories", (services, parsed, token) =>
            services.Accounts.Users.RemoveAsync(HubLocation.Operator, parsed.GetValue(s_name)!, token), s_name),
        HubLocation.Verb("disable", "Switch an account off: nothing of it works any more", (services, parsed, token) =>
            services.Accounts.Users.SetDisabledAsync(HubLocation.Operator, parsed.GetValue(s_name)!, true, token), s_name),
        HubLocation.Verb("enable", "Switch an account on again", (services, parsed, token) =>
            services.Accounts.Users.SetDisabledAsync(HubLocation.Operator, parsed.GetValue(s_name)!, false, token), s_name),
        HubLocation.Verb("promote", "Make an administrator", (services, parsed, token) =>
            services.Accounts.Users.SetAdministratorAsync(HubLocation.Operator, parsed.GetValue(s_name)!, true, token), s_name),
        HubLocation.Verb("demote", "Make an administrator an ordinary user", (services, parsed, token) =>
            services.Accounts.Users.SetAdministratorAsync(HubLocation.Operator, parsed.GetValue(s_name)!, false, token), s_name),
        HubLocation.FirstVerb("invite", "Print an invitation, good once", InviteAsync, s_note),
        HubLocation.Verb("link", "Let somebody at the OpenID provider sign in as a user", LinkAsync, s_name, s_subject),
        HubLocation.Verb("unlink", "Let them no longer; sessions end", UnlinkAsync, s_name, s_subject),
    };

    private static async Task AddAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(s_passwordStdin) == parsed.GetValue(s_noPassword))
            throw FaultException.Invalid("user add: give --password-stdin or --no-password");
        string? password = parsed.GetValue(s_passwordStdin) ? await Output.ReadSecretAsync(cancellationToken) : null;
        UserAccount made = await services.Accounts.Users.CreateAsync(
            HubLocation.Operator,
            new NewUser(parsed.GetValue(s_name)!, password)
            {
                IsAdministrator = parsed.GetValue(s_admin), DisplayName = parsed.GetValue(s_display)!, Email = parsed.GetValue(s_email)!,
            }, cancellationToken);
        Console.WriteLine(made.Name);
    }

    private static async Task ImportAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        bool isDryRun = parsed.GetValue(s_dryRun);
        HtpasswdReport report = await services.Accounts.HtpasswdImport.RunAsync(
            HubLocation.Operator, Path.GetFullPath(parsed.GetValue(s_file)!),
            new HtpasswdImportOptions { IsDryRun = isDryRun, ReplacesPasswords = parsed.GetValue(s_replace) }, cancellationToken);
        foreach (HtpasswdRefusal leftOut in report.LeftOut)
            Console.Error.WriteLine(Output.Printable(leftOut.ToString()));
        if (report.LeftOutCount > report.LeftOut.Count)
            Console.Error.WriteLine($"and {report.LeftOutCount - report.LeftOut.Count} more lines");
        foreach (string name in report.Made)
            Console.WriteLine(isDryRun ? $"{name}: would be made" : $"{name}: made");
        foreach (string name in report.Replaced)
            Console.WriteLine(isDryRun ? $"{name}: would get this password" : $"{name}: has this password now");
        if (report.Unchanged > 0)
            Console.WriteLine($"{report.Unchanged} had this password already");
        if (report.LeftOutCount > 0)
            throw FaultException.Conflict(
                $"user import: {report.LeftOutCount} {(report.LeftOutCount == 1 ? "line was" : "lines were")} left out, named above; "
                + (isDryRun ? "all else would be done" : "all else is done"));
    }

    private static async Task ListAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        var all = new List<UserAccount>();
        List<UserAccount> page;
        do
        {
            page = await services.Accounts.Users.ListAsync(all.LastOrDefault()?.Name, UserService.PageMax, cancellationToken);
            all.AddRange(page);
        }
        while (page.Count == UserService.PageMax);
        Output.Table(
            ["NAME", "DISPLAY NAME", "EMAIL", "ROLE", "STATE", "CREATED", "LAST SIGN-IN"],
            all.Select(user => (IReadOnlyList<string>)
            [
                user.Name, user.DisplayName, user.Email, user.IsAdministrator ? "administrator" : "user",
                user.DisabledAt is null ? "active" : "disabled", Output.Time(user.CreatedAt), Output.Time(user.LastSignInAt),
            ]));
    }

    private static async Task SetPasswordAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!parsed.GetValue(s_passwordStdin))
            throw FaultException.Invalid("user passwd: give --password-stdin");
        await services.Accounts.Users.SetPasswordAsync(
            HubLocation.Operator, parsed.GetValue(s_name)!, await Output.ReadSecretAsync(cancellationToken), cancellationToken);
    }

    private static async Task InviteAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken) =>
        Console.WriteLine(
        await services.Accounts.Secrets.InviteAsync(HubLocation.Operator, SecretKind.Invitation, parsed.GetValue(s_note)!,
            cancellationToken));

    private static Task LinkAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken) =>
        services.Accounts.OidcAccounts.LinkAsync(
            HubLocation.Operator, parsed.GetValue(s_name)!, IssuerOf(services, "user link"), parsed.GetValue(s_subject)!,
            cancellationToken);

    private static Task UnlinkAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken) =>
        services.Accounts.OidcAccounts.UnlinkAsync(
            HubLocation.Operator, parsed.GetValue(s_name)!, IssuerOf(services, "user unlink"), parsed.GetValue(s_subject)!,
            cancellationToken);

    private static string IssuerOf(HubServices services, string attempt) => services.Accounts.Settings.Oidc?.Issuer
        ?? throw FaultException.Invalid($"{attempt}: no oidc-issuer is known: give --config with the file that names it");
}
