using System.Diagnostics;
using Berth.Runtime.Confinement;

namespace Berth.Runtime.Tests.Confinement;

/// <summary>What is asked of the compiler, and what is made of its answers. It is a script here.</summary>
public sealed class ProfileLoaderTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-profiles-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string Write(string name, string text)
    {
        string path = Path.Join(_directory, name);
        File.WriteAllText(path + ".new", text);
        // Copied by another process: what this one has open for writing a child of another test may hold, and then nobody may execute it.
        using (Process copy = Process.Start("cp", [path + ".new", path]))
            copy.WaitForExit();
        File.SetUnixFileMode(path, (UnixFileMode)0x1ED);
        return path;
    }

    private ProfileLoader Loader(string script, string? list = "") =>
        new(list is null ? Path.Join(_directory, "none") : Write("profiles", list), [Path.Join(_directory, "missing"), Write("parser", "#!/bin/sh\n" + script)]);

    [Fact]
    public void Load_GivesTheTextToTheCompiler_InACleanEnvironment()
    {
        Environment.SetEnvironmentVariable("BERTH_PROFILE_TEST", "secret");
        Assert.Null(Loader($"cat > {_directory}/text; echo \"$@\" > {_directory}/words; env > {_directory}/env").Load("profile x {}\n"));
        Assert.Equal("profile x {}\n", File.ReadAllText($"{_directory}/text"));
        Assert.Equal("--replace --skip-cache\n", File.ReadAllText($"{_directory}/words"));
        Assert.DoesNotContain("secret", File.ReadAllText($"{_directory}/env"), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ThatFails_SaysTheCompilersWords()
    {
        string? said = Loader("echo syntax error >&2\necho in line 1 >&2\nexit 3").Load(new string('x', 1 << 20));
        Assert.Equal("apparmor_parser failed: syntax error in line 1", said);
    }

    [Fact]
    public void Load_WithoutACompiler_SaysWhatToInstall()
    {
        File.CreateSymbolicLink(Path.Join(_directory, "dangling"), "missing");
        ProfileLoader loader = new(Write("profiles", ""), [Path.Join(_directory, "missing"), Path.Join(_directory, "dangling")]);
        Assert.Contains("package apparmor", loader.Load("") ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WithoutTheKernelsFiles_SaysSo() =>
        Assert.Contains("securityfs is not mounted", Loader("exit 0", list: null).Load("") ?? "", StringComparison.Ordinal);

    [Fact]
    public void Load_OfWhatIsNoProgram_IsAnAnswer() =>
        Assert.Contains("parser", new ProfileLoader(Write("profiles", ""), [Write("parser", "\0")]).Load("") ?? "", StringComparison.Ordinal);

    [Theory]
    [InlineData("berth-default (enforce)\n", true)]
    [InlineData("other (enforce)\nberth-default (complain)\nthird (enforce)\n", true)]
    [InlineData("berth-default-2 (enforce)\n", false)]
    [InlineData("berth-default//child (enforce)\n", false)]
    [InlineData("x berth-default (enforce)\n", false)]
    [InlineData("berth-default \n", false)]
    [InlineData("", false)]
    public void IsLoaded_ReadsTheKernelsList(string list, bool loaded) => Assert.Equal(loaded, Loader("", list).IsLoaded("berth-default"));

    [Fact]
    public void IsLoaded_WithoutAList_IsFalse() => Assert.False(Loader("", list: null).IsLoaded("x"));

    [Theory]
    [InlineData("unconfined\n", null)]
    [InlineData("", null)]
    [InlineData("berth-default (enforce)\n", "berth-default")]
    [InlineData("/usr/bin/a b (c) (complain)\n", "/usr/bin/a b (c)")]
    [InlineData("kernel\0", "kernel")]
    public void NameIn_IsTheProfilesOfALabel(string label, string? name) => Assert.Equal(name, AppArmor.NameIn(label));
}
