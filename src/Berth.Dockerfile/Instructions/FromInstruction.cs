using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>FROM [--platform=p] image [AS name]</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Image">An image, an earlier stage's name or <c>scratch</c>; variables not replaced.</param>
/// <param name="StageName">The stage's name in lower case; null when it has none.</param>
/// <param name="Platform">The platform; variables not replaced.</param>
public sealed record FromInstruction(InstructionOrigin Origin, string Image, string? StageName, string? Platform)
    : Instruction(Origin)
{
    internal static Instruction? Read(InstructionReader reader)
    {
        string? platform = reader.Flag("platform");
        switch (Words.Split(reader.Arguments))
        {
            case [var image]:
                return new FromInstruction(reader.Origin, image, null, platform);
            case [var image, var keyword, var name] when keyword.Equals("as", StringComparison.OrdinalIgnoreCase):
                Lint(reader, keyword, name);
                string lower = name.ToLowerInvariant();
                return IsStageName(lower)
                    ? new FromInstruction(reader.Origin, image, lower, platform)
                    : reader.Fail($"invalid name for build stage: \"{name}\", name can't start with a number or contain symbols");
            default:
                return reader.Fail("FROM requires either one or three arguments");
        }
    }

    private static bool IsStageName(string name) => char.IsAsciiLetterLower(name[0])
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.');

    private static void Lint(InstructionReader reader, string keyword, string name)
    {
        bool lowerFrom = !reader.Keyword.Any(char.IsUpper);
        if (keyword != (lowerFrom ? "as" : "AS"))
            reader.Diagnostics.Warn(reader.Range, "FromAsCasing", $"'{keyword}' and '{reader.Keyword}' keywords' casing do not match");
        if (name.Any(char.IsUpper))
            reader.Diagnostics.Warn(reader.Range, "StageNameCasing", $"Stage name '{name}' should be lowercase");
        if (name.ToLowerInvariant() is "scratch" or "context")
            reader.Diagnostics.Warn(reader.Range, "ReservedStageName",
                $"Stage name should not use the same name as reserved stage \"{name.ToLowerInvariant()}\"");
    }
}
