namespace Berth.Cli.Parsing;

/// <summary>One option of a command, said once: parsing, help and completion follow from it.</summary>
/// <remarks>
/// The type names are those that Docker's help shows: <c>bool</c> takes no separate value; <c>list</c>, <c>map</c>, <c>filter</c>,
/// <c>mount</c>, <c>network</c>, <c>ulimit</c> and <c>gpu-request</c> may be repeated; <c>strings</c> are repeated or separated by commas.
/// </remarks>
internal sealed record Flag(string Name, char Short, string Type, string Usage, string Default = "")
{
    public Flag(string name, string type, string usage, string @default = "") : this(name, '\0', type, usage, @default) { }

    /// <summary>Old spellings that are understood and not shown.</summary>
    public string[] HiddenNames { get; init; } = [];

    /// <summary>Understood, not shown in help.</summary>
    public bool IsHidden { get; init; }

    /// <summary>Set for an option that is understood and refused when used: the reason.</summary>
    public string? Refusal { get; init; }

    /// <summary>What is wrong with a value beyond its type; null: nothing is.</summary>
    public Func<string, string?>? Validate { get; init; }

    public bool IsBool => Type == "bool";

    public bool IsRepeatable => Type is "list" or "map" or "filter" or "mount" or "network" or "ulimit" or "gpu-request" or "strings"
        or "stringToString";

    /// <summary>How the option is named in messages: <c>-m, --memory</c>.</summary>
    public string Label => Short == '\0' ? "--" + Name : $"-{Short}, --{Name}";
}
