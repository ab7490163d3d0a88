using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>ONBUILD instruction</c>: stored in the image, run by builds from it.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Trigger">The instruction's text with its heredocs, to be read again by the child.</param>
/// <param name="Inner">The instruction as read now.</param>
public sealed record OnBuildInstruction(InstructionOrigin Origin, string Trigger, Instruction Inner) : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader)
    {
        if (reader.Arguments.Length == 0)
            return reader.Fail("ONBUILD requires at least one argument");
        if (IsForbidden(reader.Arguments) is { } problem)
            return reader.Fail(problem);
        LogicalLine inner = reader.Line with { Text = reader.Arguments };
        if (InstructionTable.Read(inner, reader.Escape, reader.Diagnostics) is not { } instruction)
            return null;
        string trigger = reader.Arguments
            + string.Concat(reader.Line.Heredocs.Select(heredoc => $"\n{heredoc.Content}{heredoc.Name}"));
        return new OnBuildInstruction(reader.Origin, trigger, instruction);
    }

    /// <summary>Why a trigger is not allowed; null when it is.</summary>
    internal static string? IsForbidden(string trigger)
    {
        string keyword = Words.TakeKeyword(ref trigger).ToUpperInvariant();
        return keyword switch
        {
            "ONBUILD" => "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
            "FROM" or "MAINTAINER" => $"{keyword} isn't allowed as an ONBUILD trigger",
            _ => null,
        };
    }
}
