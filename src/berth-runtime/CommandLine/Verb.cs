namespace Berth.RuntimeProgram.CommandLine;

/// <summary>One command: its line of help, its options, what it does.</summary>
internal sealed record Verb
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its arguments as the help shows them.</summary>
    public string Usage { get; init; } = "<container-id>";

    /// <summary>What it does, in a line.</summary>
    public required string Summary { get; init; }

    /// <summary>Its options.</summary>
    public IReadOnlyList<Option> Options { get; init; } = [];

    /// <summary>How many arguments at least.</summary>
    public int ArgumentsMin { get; init; } = 1;

    /// <summary>How many at most.</summary>
    public int ArgumentsMax { get; init; } = 1;

    /// <summary>What follows the first argument is another program's.</summary>
    public bool TakesCommand { get; init; }

    /// <summary>Does it; returns the exit code.</summary>
    public required Func<Call, int> Run { get; init; }
}

/// <summary>One run of the program.</summary>
/// <param name="Global">What stands before the command.</param>
/// <param name="Arguments">What stands after it.</param>
/// <param name="Log">Where warnings and errors go.</param>
internal sealed record Call(GlobalOptions Global, Arguments Arguments, LogWriter Log)
{
    /// <summary>The container that is meant.</summary>
    public string Id => Arguments.Positional[0];

    /// <summary>The library, over this run's root.</summary>
    public Runtime.Bundles.BundleRuntime Open() => new(new Runtime.Bundles.BundleOptions
    {
        Root = Global.Root,
        SystemdCgroup = Global.SystemdCgroup,
        IsStrict = Global.IsStrict,
        IsRootless = Global.IsRootless,
        Warn = Log.Warn,
        Program = Environment.ProcessPath ?? "/proc/self/exe",
    });
}
