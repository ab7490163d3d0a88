using Berth.Linux.Files;
using Berth.Linux.Mounts;

namespace Berth.Linux.Tests;

/// <summary>The overlays of kernels before 6.7, which newer ones take as well.</summary>
public sealed class OldOverlayTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-old,overlay:");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Mount_ShowsTheLayers_AndLeavesNoMount()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting needs root");
        string[] lower = [.. Enumerable.Range(0, 150).Select(number => Make($"lower{number}"))];
        for (int number = 0; number < lower.Length; number++)
        {
            File.WriteAllText($"{lower[number]}/own{number}", "x");
            File.WriteAllText($"{lower[number]}/all", $"{number}");
        }
        string upper = Make("upper");
        using (FileDescriptor tree = OldOverlay.Mount(lower, upper, Make("work"), ",metacopy=off,redirect_dir=off,index=off"))
        {
            string root = $"/proc/self/fd/{tree.Number}";
            Assert.Equal("0", File.ReadAllText($"{root}/all"));
            Assert.Equal(151, Directory.GetFiles(root).Length);
            File.WriteAllText($"{root}/new", "y");
            File.Delete($"{root}/own149");
            // It is mounted over one of the directories for a moment, in another namespace; others on this machine mount as well.
            Assert.DoesNotContain(Path.GetFileName(_directory.FullName), File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        }
        Assert.Equal(["new", "own149"], Directory.GetFileSystemEntries(upper).Select(Path.GetFileName).Order());
        using FileDescriptor view = OldOverlay.Mount(lower, upper: null, work: null, "");
        Assert.Throws<IOException>(() => File.WriteAllText($"/proc/self/fd/{view.Number}/new", "y"));
        Assert.Equal("x", File.ReadAllText($"/proc/self/fd/{view.Number}/own149"));
    }

    [Fact]
    public void Mount_OfTooManyLayers_SaysSo()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting needs root");
        string[] lower = [.. Enumerable.Range(0, 300).Select(number => Make($"lower{number}"))];
        LinuxException refused = Assert.Throws<LinuxException>(() => OldOverlay.Mount(lower, upper: null, work: null, ""));
        Assert.Equal(Errno.E2BIG, refused.Error);
        Assert.Contains("overlay of 300 layers", refused.Message);
    }

    private string Make(string name) => _directory.CreateSubdirectory(name).FullName;
}
