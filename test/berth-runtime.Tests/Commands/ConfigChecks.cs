using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>Runs containers of changed configurations, to look at rows of the runtime specification from inside.</summary>
public abstract class ConfigChecks(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    protected BundleFixture Bundles { get; } = bundles;

    protected static void Need() => Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");

    protected async Task<string> OutputAsync(string script, Func<RuntimeSpec, RuntimeSpec> change)
    {
        Need();
        Completed run = await Bundles.RunContainerAsync(script, change);
        Assert.True(run.Code == 0, run.ToString());
        return run.Output.TrimEnd('\n');
    }

    protected async Task<string> RefusalAsync(Func<RuntimeSpec, RuntimeSpec> change)
    {
        Need();
        Completed run = await Bundles.RunContainerAsync("true", change);
        Assert.Equal(1, run.Code);
        return run.Errors;
    }

    protected static RuntimeSpec Linux(RuntimeSpec spec, Func<LinuxSpec, LinuxSpec> change) => spec with { Linux = change(spec.Linux!) };

    protected static RuntimeSpec Process(RuntimeSpec spec, Func<ProcessSpec, ProcessSpec> change) => spec with { Process = change(spec.Process!) };

    protected static RuntimeSpec Mounts(RuntimeSpec spec, params MountSpec[] mounts) => spec with { Mounts = [.. spec.Mounts!, .. mounts] };

    protected string NewDirectory() => Directory.CreateDirectory(Path.Join(Bundles.Directory, Guid.NewGuid().ToString("n"))).FullName;
}
