using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary>All commands. One is made when it is asked for: a run needs one.</summary>
internal static class VerbTable
{
    private static readonly string[] s_names =
    [
        "create", "delete", "events", "exec", "features", "kill", "list", "pause", "ps", "resume", "run", "spec", "start", "state",
        "update", "checkpoint", "restore",
    ];

    /// <summary>Every one.</summary>
    public static IEnumerable<Verb> All => s_names.Select(static name => Find(name)!);

    /// <summary>The one of that name, or null.</summary>
    public static Verb? Find(string name) => name switch
    {
        "create" => CreateVerbs.Create,
        "run" => CreateVerbs.Run,
        "start" => LifecycleVerbs.Start,
        "kill" => LifecycleVerbs.Kill,
        "delete" => LifecycleVerbs.Delete,
        "pause" => LifecycleVerbs.Pause,
        "resume" => LifecycleVerbs.Resume,
        "state" => StateVerbs.State,
        "list" => StateVerbs.List,
        "ps" => ProcessVerb.Definition,
        "exec" => ExecVerb.Definition,
        "update" => UpdateVerb.Definition,
        "events" => EventsVerb.Definition,
        "features" => FeaturesVerb.Definition,
        "spec" => SpecVerb.Definition,
        "checkpoint" or "restore" => CheckpointVerbs.Of(name),
        _ => null,
    };
}
