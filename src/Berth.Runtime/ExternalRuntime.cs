namespace Berth.Runtime;

/// <summary>An OCI runtime of others: a program with runc's command line that makes containers in the place of ours.</summary>
/// <param name="Name">What users call it.</param>
/// <param name="Path">The absolute path of the program.</param>
/// <param name="Arguments">What stands before the command.</param>
public sealed record ExternalRuntime(string Name, string Path, IReadOnlyList<string> Arguments);
