using System.Collections.ObjectModel;
using Berth.Faults;

namespace Berth.Runtime.Plans;

/// <summary>A strict container: whatever would be clamped or left out with a warning is an error that names it.</summary>
public static class Strictness
{
    /// <summary>The annotation by which a configuration asks for it, with the value <c>true</c>.</summary>
    public const string Annotation = "dev.berth.strict";

    /// <summary>Whether these annotations ask for it.</summary>
    /// <exception cref="FaultException">InvalidArgument: neither true nor false.</exception>
    public static bool IsAsked(IReadOnlyDictionary<string, string>? annotations) => annotations?.GetValueOrDefault(Annotation) switch
    {
        null or "false" => false,
        "true" => true,
        string other => throw FaultException.Invalid($"annotation {Annotation}: \"{other}\" is neither true nor false"),
    };

    /// <summary>Takes warnings, or refuses them.</summary>
    public static IList<string> Taking(IList<string> warnings, bool strict) => strict ? new Refusals() : warnings;

    private sealed class Refusals : Collection<string>
    {
        protected override void InsertItem(int index, string item) =>
            throw FaultException.Invalid($"{item} (refused: the container is strict)");
    }
}
