using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>The commands of an ordinary user, without newuidmap and without a name.</summary>
public sealed class RootlessTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    // No such user is in /etc/passwd: what nsswitch.conf names would be asked for it.
    private const string User = "54321";

    [Fact]
    public async Task UserWithoutName_RunsAndEntersAContainer_ThatSharesTheHostsNetwork()
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        string root = Directory.CreateDirectory(Path.Join(bundles.Directory, "of-user")).FullName;
        string bundle = await bundles.BundleAsync("user", Spec());
        await Command.NeedAsync("chown", ["-R", User, root, bundle]);
        // The program's own file is where only root may look, as the tests are run.
        string program = Path.Join(root, "berth-runtime");
        // Copied by another process: what this one has open for writing a child of another test may hold, and then nobody may execute it.
        await Command.NeedAsync("cp", [Command.Runtime, program]);
        Task<Completed> RunAsync(params string[] arguments) => Command.RunAsync("setpriv",
            ["--reuid", User, "--regid", User, "--clear-groups", program, "--root", Path.Join(root, "state"), .. arguments]);

        Completed made = await Command.RunAsync("/bin/sh", ["-c", "exec \"$0\" \"$@\" </dev/null >out 2>err", "setpriv", "--reuid", User, "--regid",
            User, "--clear-groups", program, "--root", Path.Join(root, "state"), "run", "-d", "--bundle", bundle, "own"], directory: bundle);
        Assert.True(made.Code == 0, await File.ReadAllTextAsync(Path.Join(bundle, "err")));
        try
        {
            Completed inside = await RunAsync("exec", "own", "id", "-u");
            Assert.Equal((0, "0\n"), (inside.Code, inside.Output));
            Assert.Contains($"#{User}", (await RunAsync("list")).Output, StringComparison.Ordinal);
        }
        finally
        {
            Assert.Equal(0, (await RunAsync("delete", "-f", "own")).Code);
        }
    }

    private RuntimeSpec Spec()
    {
        RuntimeSpec spec = bundles.Spec("user", "/bin/sleep", "1000");
        IdMapping[] map = [new IdMapping { ContainerID = 0, HostID = uint.Parse(User), Size = 1 }];
        return spec with
        {
            Mounts = [.. spec.Mounts!.Where(static mount => mount.Destination is "/proc" or "/dev")],
            Linux = spec.Linux! with
            {
                UidMappings = map, GidMappings = map, CgroupsPath = null,
                Namespaces = [.. "user mount pid uts ipc".Split(' ').Select(static type => new NamespaceSpec { Type = type })],
            },
        };
    }
}
