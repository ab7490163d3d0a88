using System.Xml.Linq;

namespace Berth.Tidy.Tests;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Every file that belongs to the repository, relative, without what builds make.</summary>
    public static IEnumerable<string> Files() => Directory
        .EnumerateFiles(Root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
        .Select(path => Path.GetRelativePath(Root, path))
        .Where(path => !path.Split('/').Any(part => part is ".git" or "bin" or "obj" or "out" or "node_modules" or "TestResults"));

    /// <summary>The C# files of a part of the tree.</summary>
    public static IEnumerable<string> Sources(string below) =>
        Files().Where(path => path.StartsWith(below + "/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal));

    /// <summary>The project files below src, by name.</summary>
    public static IEnumerable<(string Name, XDocument Document)> Projects() => Directory
        .EnumerateFiles(Path.Join(Root, "src"), "*.csproj", SearchOption.AllDirectories)
        .Select(path => (Path.GetFileNameWithoutExtension(path), XDocument.Load(path)));

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Join(directory, "Berth.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException("these tests must run from within the checkout");
    }
}
