using System.IO.Enumeration;
using Berth.Oci.References;

namespace Berth.Engine;

/// <summary>Patterns of the <c>reference</c> filter: <c>busybox</c>, <c>*:latest</c>, <c>localhost:5000/*</c>.</summary>
internal static class ReferencePattern
{
    public static bool Matches(string pattern, ImageReference name) =>
        new[] { name.Familiar, name.FamiliarName, name.ToString(), name.Name }.Any(form => Matches(pattern.Split('/'), form.Split('/')));

    // A star stays within one part, as in Go's path.Match.
    private static bool Matches(string[] pattern, string[] name) => pattern.Length == name.Length
        && pattern.Zip(name).All(pair => FileSystemName.MatchesSimpleExpression(pair.First, pair.Second, ignoreCase: false));
}
