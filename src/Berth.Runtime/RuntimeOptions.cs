namespace Berth.Runtime;

/// <summary>Where the runtime finds its program.</summary>
public sealed record RuntimeOptions
{
    /// <summary>The <c>berth-runtime</c> program, whose stage becomes monitors and first processes. Null: beside this program.</summary>
    public string? RuntimeBinary { get; init; }

    /// <summary>Cgroups are scopes of systemd, and <c>cgroupsPath</c> is <c>slice:prefix:name</c>.</summary>
    public bool SystemdCgroup { get; init; }

    /// <summary>Is told what went wrong where nobody waits: hooks that follow a container's end.</summary>
    public Action<string> Warn { get; init; } = static _ => { };
}
