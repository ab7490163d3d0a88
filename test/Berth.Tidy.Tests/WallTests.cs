using System.Xml.Linq;

namespace Berth.Tidy.Tests;

/// <summary>Holds the table of docs/architecture.md: who may reference whom, and who may be unsafe.</summary>
public sealed class WallTests
{
    private static readonly Dictionary<string, (int Floor, string[] References)> s_table = new()
    {
        ["Berth.Faults"] = (0, []),
        ["Berth.Linux"] = (0, []),
        ["Berth.Stage"] = (0, []),
        ["Berth.Oci"] = (1, ["Berth.Faults"]),
        ["Berth.Dockerfile"] = (1, ["Berth.Faults"]),
        ["Berth.Api"] = (1, ["Berth.Faults"]),
        ["Berth.Credentials"] = (1, ["Berth.Faults"]),
        ["Berth.Content"] = (2, ["Berth.Oci", "Berth.Linux"]),
        ["Berth.Runtime"] = (2, ["Berth.Oci", "Berth.Linux", "Berth.Stage"]),
        ["Berth.Network"] = (2, ["Berth.Faults", "Berth.Linux"]),
        ["Berth.Client"] = (2, ["Berth.Api"]),
        ["Berth.Layers"] = (3, ["Berth.Content"]),
        ["Berth.Distribution"] = (3, ["Berth.Content"]),
        ["Berth.Registry"] = (3, ["Berth.Content"]),
        ["Berth.Builder"] = (4, ["Berth.Dockerfile", "Berth.Layers", "Berth.Distribution"]),
        ["Berth.BuildKit"] = (5, ["Berth.Builder"]),
        ["Berth.Engine"] = (5, ["Berth.Builder", "Berth.Runtime", "Berth.Network"]),
        ["berthd"] = (6, ["Berth.Engine", "Berth.BuildKit", "Berth.Api"]),
        ["berth"] =
            (6, ["Berth.Api", "Berth.Client", "Berth.Credentials", "Berth.Distribution", "Berth.Dockerfile", "Berth.Linux", "Berth.Oci"]),
        ["berth-hub"] = (6, ["Berth.Registry"]),
        ["berth-runtime"] = (6, ["Berth.Runtime"]),
    };

    [Fact]
    public void Projects_AreThoseOfTheTable() =>
        Assert.Equal(s_table.Keys.Order(), Repository.Projects().Select(project => project.Name).Order());

    [Fact]
    public void References_AreThoseOfTheTable()
    {
        foreach ((string name, XDocument document) in Repository.Projects())
        {
            string[] allowed = s_table[name].References;
            foreach (string reference in ReferencesOf(document))
                Assert.True(allowed.Contains(reference), $"{name} references {reference}, which the table does not allow");
        }
    }

    [Fact]
    public void Table_PointsDown()
    {
        foreach ((string name, (int floor, string[] references)) in s_table)
        {
            foreach (string reference in references)
                Assert.True(s_table[reference].Floor < floor, $"{name} (floor {floor}) may not reference {reference}");
        }
    }

    [Fact]
    public void UnsafeCode_IsAllowedInTwoProjectsOnly() => Assert.Equal(
        ["Berth.Linux", "Berth.Stage"],
        Repository.Projects()
            .Where(project => project.Document.Descendants("AllowUnsafeBlocks").Any(element => element.Value == "true"))
            .Select(project => project.Name).Order());

    [Fact]
    public void EveryProject_SaysWhatItIs()
    {
        foreach ((string name, _) in Repository.Projects())
            Assert.True(File.Exists(Path.Join(Repository.Root, "src", name, "README.md")), $"src/{name} has no README.md");
    }

    [Fact]
    public void EveryPackage_HasItsReason()
    {
        string reasons = File.ReadAllText(Path.Join(Repository.Root, "docs", "dependencies.md"));
        foreach (XElement package in XDocument.Load(Path.Join(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion"))
        {
            string name = package.Attribute("Include")!.Value;
            Assert.True(reasons.Contains($"`{name}`", StringComparison.Ordinal), $"docs/dependencies.md does not say why {name}");
        }
    }

    private static IEnumerable<string> ReferencesOf(XDocument project) => project.Descendants("ProjectReference")
        .Select(element => Path.GetFileNameWithoutExtension(element.Attribute("Include")!.Value.Replace('\\', '/')));
}
