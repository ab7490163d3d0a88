using Berth.Runtime.Bundles;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary>What moves a container from one state to the next.</summary>
internal static class LifecycleVerbs
{
    /// <summary><c>start</c>.</summary>
    public static Verb Start => Simple("start", "lets a created container's program execute", static (runtime, id) => runtime.Start(id));

    /// <summary><c>pause</c>.</summary>
    public static Verb Pause => Simple("pause", "stops all processes where they are", static (runtime, id) => runtime.Pause(id));

    /// <summary><c>resume</c>.</summary>
    public static Verb Resume => Simple("resume", "lets stopped processes go on", static (runtime, id) => runtime.Resume(id));

    /// <summary><c>kill</c>.</summary>
    public static Verb Kill => new()
    {
        Name = "kill",
        Usage = "<container-id> [signal]",
        Summary = "sends a signal (default: SIGTERM) to the first process",
        Options = [Option.Flag("all", "to all processes", "a")],
        ArgumentsMax = 2,
        Run = static call =>
        {
            string signal = call.Arguments.Positional.Count > 1 ? call.Arguments.Positional[1] : "SIGTERM";
            using BundleRuntime runtime = call.Open();
            runtime.Kill(call.Id, SignalText.Parse(signal), call.Arguments.Has("all"));
            return 0;
        },
    };

    /// <summary><c>delete</c>.</summary>
    public static Verb Delete => new()
    {
        Name = "delete",
        Summary = "removes what is left of a container that has ended",
        Options = [Option.Flag("force", "also one that runs: kills it first", "f")],
        Run = static call =>
        {
            using BundleRuntime runtime = call.Open();
            runtime.Delete(call.Id, call.Arguments.Has("force"));
            return 0;
        },
    };

    private static Verb Simple(string name, string summary, Action<BundleRuntime, string> act) => new()
    {
        Name = name,
        Summary = summary,
        Run = call =>
        {
            using BundleRuntime runtime = call.Open();
            act(runtime, call.Id);
            return 0;
        },
    };
}
