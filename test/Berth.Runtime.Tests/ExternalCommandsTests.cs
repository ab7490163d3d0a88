using Berth.Runtime.Externals;

namespace Berth.Runtime.Tests;

/// <summary>Commands of another runtime while its container's run directory goes away.</summary>
public sealed class ExternalCommandsTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-external-");

    public void Dispose()
    {
        if (_directory.Exists)
            _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData("exit 0", null)]
    [InlineData("exit 3", "/bin/sh kill ended with exit status 3")]
    public void Command_WhoseContainerEndsMeanwhile_GivesItsOwnOutcome(string end, string? said)
    {
        ExternalRuntime runtime = new("x", "/bin/sh", ["-c", $"rm -r {_directory}; {end}", "x"]);
        Assert.Equal(said, new ExternalCommands(runtime, "c", _directory.FullName, systemd: false).TryRun("kill", "c", "9"));
        _directory.Refresh();
        Assert.False(_directory.Exists);
    }

    [Fact]
    public void Command_WithoutARunDirectory_SaysSo()
    {
        ExternalRuntime runtime = new("x", "/bin/true", []);
        string? said = new ExternalCommands(runtime, "c", $"{_directory}/gone", systemd: false).TryRun("kill", "c", "9");
        Assert.Contains("No such file or directory", said, StringComparison.OrdinalIgnoreCase);
    }
}
