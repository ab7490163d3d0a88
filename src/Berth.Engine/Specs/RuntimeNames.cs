using Berth.Faults;
using Berth.Runtime;

namespace Berth.Engine.Specs;

/// <summary>The names by which containers ask for a runtime.</summary>
public static class RuntimeNames
{
    /// <summary>Our own.</summary>
    public const string Own = "berth";

    /// <summary>Docker's names of its default runtime: they mean ours, unless a program is configured under the first.</summary>
    private static readonly string[] s_dockers = ["runc", "io.containerd.runc.v2"];

    /// <summary>Names that no configuration may give to something else.</summary>
    public static bool IsReserved(string name) => name is Own or "io.containerd.runc.v2";

    /// <summary>Every name that can be used.</summary>
    public static IEnumerable<string> All(EngineOptions options) =>
        [Own, .. s_dockers.Union(options.Runtimes.Keys, StringComparer.Ordinal)];

    /// <summary>The runtime of a name; null: ours.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is none of that name.</exception>
    public static ExternalRuntime? Find(EngineOptions options, string? name)
    {
        string asked = string.IsNullOrEmpty(name) ? Own : name;
        if (options.Runtimes.TryGetValue(asked, out ExternalRuntime? runtime))
            return runtime;
        return asked == Own || s_dockers.Contains(asked) ? null
            : throw FaultException.Invalid($"unknown or invalid runtime name: {asked}");
    }
}
