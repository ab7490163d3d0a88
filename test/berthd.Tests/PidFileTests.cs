using System.Diagnostics;
using Berth.Daemon.Hosting;
using Berth.Faults;

namespace Berth.Daemon.Tests;

/// <summary>Whether the process that a pid file names is in the way.</summary>
public sealed class PidFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"berth-{Guid.NewGuid():n}.pid");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Write_NextToOneThatLives_IsRefused()
    {
        using Process living = Process.Start("sleep", "1000");
        File.WriteAllText(_path, $"{living.Id}\n");
        FaultException fault = Assert.Throws<FaultException>(() => PidFile.Write(_path));
        Assert.Equal(FaultKind.Conflict, fault.Kind);
        Assert.EndsWith($"process with PID {living.Id} is still running", fault.Message, StringComparison.Ordinal);
        living.Kill();
    }

    [Fact]
    public async Task Write_NextToOneThatEndedAndWasNotAskedFor_IsDone()
    {
        // What the shell becomes asks for no child of its; the child ends only when it has become that.
        ProcessStartInfo shell = new("sh", ["-c", "exec 3<&0; read line <&3 & echo $!; exec sleep 1000"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        using Process parent = Process.Start(shell)!;
        string pid = (await parent.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!;
        Assert.True(SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{parent.Id}/comm") == "sleep\n", TimeSpan.FromSeconds(60)));
        await parent.StandardInput.WriteLineAsync("end");
        await parent.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(
            () => File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal), TimeSpan.FromSeconds(60)));
        await File.WriteAllTextAsync(_path, pid, TestContext.Current.CancellationToken);
        using (PidFile.Write(_path))
        {
            Assert.True(Directory.Exists($"/proc/{pid}"), "it was asked for after all");
            Assert.Equal(Environment.ProcessId.ToString(), await File.ReadAllTextAsync(_path, TestContext.Current.CancellationToken));
        }
        Assert.False(File.Exists(_path));
        parent.Kill();
    }
}
