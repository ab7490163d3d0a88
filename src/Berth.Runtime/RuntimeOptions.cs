namespace Berth.Runtime;

/// <summary>Where the runtime finds its program.</summary>
public sealed record RuntimeOptions
{
    /// <summary>The <c>berth-runtime</c> program, whose stage becomes monitors and first processes. Null: beside this program.</summary>
    public string? RuntimeBinary { get; init; }
}
