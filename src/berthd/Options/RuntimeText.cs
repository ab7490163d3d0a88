using Berth.Runtime;

namespace Berth.Daemon.Options;

/// <summary>A runtime as a setting's text: <c>name=path</c>; the file's arguments follow, each after a zero byte.</summary>
internal static class RuntimeText
{
    /// <summary>Writes one.</summary>
    public static string Of(string name, string path, IEnumerable<string> arguments) => string.Join('\0', [$"{name}={path}", .. arguments]);

    /// <summary>Reads one. A path without a slash is looked for in PATH; one that is not found is said when a container needs it.</summary>
    /// <exception cref="FaultException">InvalidArgument: no name, no path, or a name that has a meaning of its own.</exception>
    public static ExternalRuntime Parse(string text)
    {
        string[] parts = text.Split('\0');
        int equals = parts[0].IndexOf('=', StringComparison.Ordinal);
        if (equals < 1 || equals == parts[0].Length - 1)
            throw FaultException.Invalid($"invalid runtime ({parts[0]}): name=path is expected");
        string name = parts[0][..equals];
        if (Engine.Specs.RuntimeNames.IsReserved(name))
            throw FaultException.Invalid($"runtime name '{name}' is reserved");
        return new ExternalRuntime(name, Resolve(parts[0][(equals + 1)..]), parts[1..]);
    }

    private static string Resolve(string path) => path.Contains('/') ? Path.GetFullPath(path)
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, path)).FirstOrDefault(File.Exists) ?? path;
}
