using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Faults;

namespace Berth.Cli.Commands;

/// <summary><c>create</c>: makes a container and prints its ID.</summary>
internal static class CreateCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        CreateContainerRequest body;
        try
        {
            body = ContainerSpec.Build(session, parsed);
        }
        catch (Exception e) when (e is UsageException { IsWrongArgument: false } or FaultException)
        {
            throw ContainerCreation.Failure(e.Message);
        }
        try
        {
            session.PrintLine(await ContainerCreation.CreateAsync(session, parsed, body, cancellationToken));
        }
        catch (CommandException e)
        {
            // Unlike run, create says it without the program's name.
            throw new CommandException(e.Message);
        }
        return 0;
    }
}
