using System.CommandLine;

namespace Berth.Hub;

/// <summary>The verbs of <c>berth-hub</c>.</summary>
internal static class HubCommandLine
{
    public static RootCommand Create() => new("A registry with accounts, tags that remember, and pages.")
    {
        ServeCommand.Create(),
        UserCommands.Create(),
        OrganisationCommands.CreateOrganisations(),
        OrganisationCommands.CreateTeams(),
        TokenCommands.Create(),
        AuditCommand.Create(),
    };
}
