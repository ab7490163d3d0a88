using Berth.Dockerfile.Parsing;

namespace Berth.Dockerfile.Instructions;

/// <summary><c>HEALTHCHECK [flags] CMD …</c> or <c>HEALTHCHECK NONE</c>.</summary>
/// <param name="Origin">Where it came from.</param>
/// <param name="Command">The check; null for NONE.</param>
public sealed record HealthcheckInstruction(InstructionOrigin Origin, CommandLine? Command) : Instruction(Origin)
{
    /// <summary>Between checks; zero takes the default, as in all of these.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>For one check.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>After start, in which failures do not count.</summary>
    public TimeSpan StartPeriod { get; init; }

    /// <summary>Between checks in the start period.</summary>
    public TimeSpan StartInterval { get; init; }

    /// <summary>Failures in a row that make it unhealthy.</summary>
    public int Retries { get; init; }

    internal static Instruction? Read(InstructionReader reader)
    {
        HealthcheckInstruction times = new(reader.Origin, null)
        {
            Interval = reader.DurationFlag("interval"),
            Timeout = reader.DurationFlag("timeout"),
            StartPeriod = reader.DurationFlag("start-period"),
            StartInterval = reader.DurationFlag("start-interval"),
            Retries = reader.NumberFlag("retries"),
        };
        string rest = reader.Arguments;
        string kind = Words.TakeKeyword(ref rest).ToUpperInvariant();
        switch (kind)
        {
            case "":
                return reader.Fail("HEALTHCHECK requires at least one argument");
            case "NONE":
                return rest.Length == 0 ? times : reader.Fail("HEALTHCHECK NONE takes no arguments");
            case "CMD" when rest.Length == 0:
                return reader.Fail("Missing command after HEALTHCHECK CMD");
            case "CMD":
                bool exec = JsonWords.TryParse(rest, out IReadOnlyList<string> words) == JsonOutcome.Strings;
                return times with { Command = exec ? new CommandLine(words, IsShell: false) : new CommandLine([rest], IsShell: true) };
            default:
                return reader.Fail($"Unknown type \"{kind}\" in HEALTHCHECK (try CMD)");
        }
    }
}
