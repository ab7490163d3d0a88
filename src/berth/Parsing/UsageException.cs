namespace Berth.Cli.Parsing;

/// <summary>The command line is wrong; the message is Docker's.</summary>
internal sealed class UsageException(string message) : Exception(message)
{
    /// <summary>True when one option's value is wrong, which is told with the command's usage.</summary>
    public bool IsWrongArgument => Message.StartsWith("invalid argument ", StringComparison.Ordinal);
}

/// <summary>A command ends with a message and a code; <see cref="ShowsProgramName"/> puts <c>berth: </c> in front.</summary>
internal sealed class CommandException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode => exitCode;

    /// <summary>Set for run and its kin, whose messages start with the program's name and end with a pointer to help.</summary>
    public bool ShowsProgramName { get; init; }
}
