using System.CommandLine;

namespace Berth.Hub;

/// <summary>The verbs of <c>berth-hub</c>.</summary>
internal static class HubCommandLine
{
    public static RootCommand Create()
    {
        RootCommand root = Accounts();
        foreach (Command command in DataCommands.Create())
            root.Subcommands.Add(command);
        return root;
    }

    private static RootCommand Accounts() => new("A registry with accounts, tags that remember, and pages.")
    {
        ServeCommand.Create(),
        UserCommands.Create(),
        OrganisationCommands.CreateOrganisations(),
        OrganisationCommands.CreateTeams(),
        TokenCommands.Create(),
        QuotaCommands.Create(),
        MarkCommands.Create(),
        WebhookCommands.Create(),
        SecretsCommands.Create(),
        AuditCommand.Create(),
    };
}
