using Berth.Faults;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary>Commands that callers may try and that are refused in words.</summary>
internal static class CheckpointVerbs
{
    /// <summary>The refusal as a command.</summary>
    public static Verb Of(string name) => new()
    {
        Name = name,
        Summary = "not supported",
        ArgumentsMin = 0,
        ArgumentsMax = int.MaxValue,
        TakesCommand = true,
        Run = _ => throw new FaultException(FaultKind.NotSupported, $"{name} is not supported: containers cannot be written to files yet"),
    };
}
