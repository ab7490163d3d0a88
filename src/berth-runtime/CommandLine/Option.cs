namespace Berth.RuntimeProgram.CommandLine;

/// <summary>One option of a command.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="Alias">One letter, or null.</param>
/// <param name="TakesValue">False: present or not.</param>
/// <param name="Help">A few words.</param>
internal sealed record Option(string Name, string? Alias, bool TakesValue, string Help)
{
    /// <summary>An option that is present or not.</summary>
    public static Option Flag(string name, string help, string? alias = null) => new(name, alias, TakesValue: false, help);

    /// <summary>An option with a value.</summary>
    public static Option Value(string name, string help, string? alias = null) => new(name, alias, TakesValue: true, help);
}

/// <summary>The command line does not fit the command.</summary>
internal class UsageException(string message) : Exception(message);

/// <summary>There is no such command.</summary>
internal sealed class UnknownVerbException(string message) : UsageException(message);
