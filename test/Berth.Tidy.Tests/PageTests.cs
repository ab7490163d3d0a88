using System.Text.RegularExpressions;

namespace Berth.Tidy.Tests;

/// <summary>What the pages for developers name is there.</summary>
public sealed partial class PageTests
{
    /// <summary>Decisions (<c>docs/adr</c>) are left out: they say what was so when they were taken.</summary>
    [Fact]
    public void SourceFiles_ThatPagesName_AreThere()
    {
        string[] files = [.. Repository.Files()];
        string[] pages = [.. files.Where(static path => path.EndsWith(".md", StringComparison.Ordinal)
            && !path.StartsWith("docs/adr/", StringComparison.Ordinal))];
        int named = 0;
        foreach (string page in pages)
        {
            foreach (Match match in SourceFile().Matches(File.ReadAllText(Path.Join(Repository.Root, page))))
            {
                string name = match.Groups[1].Value;
                // By its path from the root, or by as much of its end as tells where it is; a project's own page speaks of the project.
                string home = page.StartsWith("src/", StringComparison.Ordinal) ? $"{Path.GetDirectoryName(page)}/" : "";
                Assert.True(files.Any(file => file == name
                    || (file.StartsWith(home, StringComparison.Ordinal) && file.EndsWith("/" + name, StringComparison.Ordinal))),
                    $"{page}: there is no {name}");
                named++;
            }
        }
        Assert.True(named > 10, $"only {named} source files are named in {pages.Length} pages: are they looked for in the right place?");
    }

    [GeneratedRegex(@"`([\w./-]+\.cs)`")]
    private static partial Regex SourceFile();
}
