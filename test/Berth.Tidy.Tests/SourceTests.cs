using System.Text.RegularExpressions;

namespace Berth.Tidy.Tests;

/// <summary>Holds what the house asks of every source file.</summary>
public sealed partial class SourceTests
{
    private const int SourceLinesMax = 600;
    private const int TestLinesMax = 1000;
    private const int ColumnsMax = 140;

    // Files that are longer, each with its reason.
    private static readonly Dictionary<string, string> s_longFiles = [];

    [Fact]
    public void Files_AreShort()
    {
        foreach (string path in Repository.Sources("src").Concat(Repository.Sources("test")))
        {
            int limit = path.StartsWith("src/", StringComparison.Ordinal) ? SourceLinesMax : TestLinesMax;
            int lines = File.ReadLines(Path.Join(Repository.Root, path)).Count();
            Assert.True(lines <= limit || s_longFiles.ContainsKey(path), $"{path} has {lines} lines: several things in one room?");
        }
    }

    [Fact]
    public void Lines_FitTheScreen()
    {
        foreach (string path in Repository.Sources("src"))
        {
            int number = 0;
            foreach (string line in File.ReadLines(Path.Join(Repository.Root, path)))
            {
                number++;
                Assert.True(line.Length <= ColumnsMax || TextAlone().IsMatch(line), $"{path}:{number} has {line.Length} columns");
            }
        }
    }

    [Fact]
    public void Sources_HaveNothingUnfinished()
    {
        foreach (string path in Repository.Sources("src"))
        {
            string text = File.ReadAllText(Path.Join(Repository.Root, path));
            Match match = Unfinished().Match(text);
            Assert.False(match.Success, $"{path}: {match.Value}");
        }
    }

    [Fact]
    public void CatchAll_StandsOnlyWithAReason()
    {
        foreach (string path in Repository.Sources("src"))
        {
            string text = File.ReadAllText(Path.Join(Repository.Root, path));
            foreach (Match match in EmptyCatchAll().Matches(text))
                Assert.Fail($"{path}: an empty catch of everything at {match.Index}");
        }
    }

    [Fact]
    public void Rooms_AreNamedAfterTheirSubject() => Assert.Empty(Repository.Files()
        .Where(path => path.StartsWith("src/", StringComparison.Ordinal))
        .SelectMany(path => path.Split('/')[..^1])
        .Where(folder => folder is "Common" or "Utils" or "Helpers" or "Managers" or "Misc")
        .Distinct());

    [Fact]
    public void Repository_NamesNoMachine()
    {
        string home = "/" + "root/";
        string work = "/" + "work/";
        foreach (string path in Repository.Files().Where(path => Path.GetExtension(path) is ".cs" or ".md" or ".sh" or ".props" or ".csproj" or ".json" or ""))
        {
            string text = File.ReadAllText(Path.Join(Repository.Root, path));
            Assert.False(text.Contains(work, StringComparison.Ordinal), $"{path} names a path of one machine");
            Assert.False(text.Contains(home + ".", StringComparison.Ordinal), $"{path} names a path of one machine");
        }
    }

    [GeneratedRegex(@"NotImplementedException|\bTODO\b|\bFIXME\b|\bHACK\b|\bXXX\b|#region")]
    private static partial Regex Unfinished();

    // A sentence that users read is found by searching for it: it stays in one piece.
    [GeneratedRegex(@"^\s*([?:+] )?\$?""")]
    private static partial Regex TextAlone();

    [GeneratedRegex(@"catch(\s*\(Exception\s*\w*\))?\s*\{\s*\}")]
    private static partial Regex EmptyCatchAll();
}
