using System.Diagnostics;

namespace Berth.Runtime.Tests;

/// <summary>What runtimes of others say about themselves, asked of programs made up here.</summary>
public sealed class RuntimeFeaturesTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-features-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("""echo '{"ociVersionMin":"1.0.0","mountOptions":["ro","rro"]}'""", true)]
    [InlineData("""echo '{"mountOptions":["ro"]}'""", false)]
    [InlineData("""echo '{}'""", false)]
    [InlineData("echo 'no such command' >&2; exit 1", false)]
    [InlineData("echo '{'", false)]
    public void MountOption_IsThatOfItsAnswer(string answer, bool isNamed) =>
        Assert.Equal(isNamed, new RuntimeFeatures().HasMountOption(Program($"[ \"$1 $2\" = 'first features' ] || exit 9\n{answer}"), "rro"));

    [Fact]
    public void MountOption_ProgramThatIsMissing_IsNone() =>
        Assert.False(new RuntimeFeatures().HasMountOption(new ExternalRuntime("x", $"{_directory}/none", []), "rro"));

    [Fact]
    public void MountOption_ProgramThatChanged_IsAskedAgain()
    {
        RuntimeFeatures features = new();
        Assert.False(features.HasMountOption(Program("echo '{}'"), "rro"));
        ExternalRuntime changed = Program("""echo '{"mountOptions":["rro"]}'""");
        File.SetLastWriteTimeUtc(changed.Path, DateTime.UtcNow.AddMinutes(1));
        Assert.True(features.HasMountOption(changed, "rro"));
    }

    private ExternalRuntime Program(string script)
    {
        string path = Path.Combine(_directory.FullName, "runtime");
        File.WriteAllText(path + ".new", $"#!/bin/sh\n{script}\n");
        // Copied by another process: what this one has open for writing a child of another test may hold, and then nobody may execute it.
        using (Process copy = Process.Start("cp", [path + ".new", path]))
            copy.WaitForExit();
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return new ExternalRuntime("x", path, ["first"]);
    }
}
