namespace Berth.Cli.Parsing;

/// <summary>A command with its options; built only when it is the one to run, or to be described.</summary>
internal sealed class Command
{
    /// <summary>Usage lines behind the program's name, one for each spelling of the arguments.</summary>
    public required string[] Usages { get; init; }

    /// <summary>The text of the help page; the first line stands in lists.</summary>
    public required string Description { get; init; }

    /// <summary>The spellings, as help lists them; empty if there is only one.</summary>
    public string Aliases { get; init; } = "";

    public Flag[] Flags { get; init; } = [];

    public required Arguments Arguments { get; init; }

    /// <summary>False: options end at the first argument; the rest belongs to the container.</summary>
    public bool IsInterspersed { get; init; } = true;

    public required Func<Session, ParsedCommand, CancellationToken, Task<int>> RunAsync { get; init; }

    /// <summary>The one call behind the program's name: <c>container run</c> is typed as <c>run</c> in help when so invoked.</summary>
    public Flag? Find(string name) => Array.Find(Flags, f => f.Name == name || Array.IndexOf(f.HiddenNames, name) >= 0);

    public Flag? Find(char name) => Array.Find(Flags, f => f.Short == name);
}

/// <summary>How many arguments a command takes.</summary>
internal readonly record struct Arguments(int Min, int Max)
{
    public static Arguments None => new(0, 0);

    public static Arguments Any => new(0, int.MaxValue);

    public static Arguments Exactly(int count) => new(count, count);

    public static Arguments AtLeast(int count) => new(count, int.MaxValue);

    public static Arguments Between(int min, int max) => new(min, max);

    /// <summary>Docker's sentence for a wrong count, or null.</summary>
    public string? Check(string path, int count)
    {
        if (count >= Min && count <= Max)
            return null;
        if (Max == 0)
            return $"'{path}' accepts no arguments";
        if (Min == Max)
            return $"'{path}' requires {Min} {Word(Min)}";
        if (Max == int.MaxValue)
            return $"'{path}' requires at least {Min} {Word(Min)}";
        return Min == 0
            ? $"'{path}' requires at most {Max} {Word(Max)}"
            : $"'{path}' requires at least {Min} and at most {Max} {Word(Max)}";
    }

    private static string Word(int count) => count == 1 ? "argument" : "arguments";
}
