using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Berth.Runtime.Confinement;

namespace Berth.Runtime.Tests.Confinement;

/// <summary>What the text says. That the kernel does it is seen in the emulated machine (Berth.Unified.Tests).</summary>
public sealed partial class DefaultProfileTests
{
    private const string Parser = "/usr/sbin/apparmor_parser";

    // The rights that a path's denials take away.
    private static string Denied(string path) => string.Concat(Denials().Matches(DefaultProfile.Text(null))
        .Where(rule => Pattern(rule.Groups[1].Value).IsMatch(path)).SelectMany(static rule => rule.Groups[2].Value).Distinct().Order());

    // apparmor.d(5), "Globbing".
    private static Regex Pattern(string glob)
    {
        StringBuilder text = new("^");
        for (int i = 0; i < glob.Length; i++)
        {
            if (glob[i..].StartsWith("**", StringComparison.Ordinal))
            {
                text.Append(i > 0 && glob[i - 1] == '/' ? ".+" : ".*");
                i++;
            }
            else
                text.Append(glob[i] switch { '*' => "[^/]*", '[' or ']' or '^' => glob[i].ToString(), var letter => Regex.Escape(letter.ToString()) });
        }
        return new Regex(text.Append('$').ToString());
    }

    [GeneratedRegex("^  deny (/[^ ]*) ([a-z]+),$", RegexOptions.Multiline)]
    private static partial Regex Denials();

    [Theory]
    [InlineData("/proc/sysrq-trigger", "klmrwx")]
    [InlineData("/proc/kcore", "klmrwx")]
    [InlineData("/proc/mem", "klw")]
    [InlineData("/proc/timer_list", "klw")]
    [InlineData("/proc/acpi/wakeup", "klw")]
    [InlineData("/proc/scsi/scsi", "klw")]
    [InlineData("/proc/sysvipc/shm", "klw")]
    [InlineData("/proc/irq/1/smp_affinity", "klw")]
    [InlineData("/proc/bus/pci/00/00.0", "klw")]
    [InlineData("/proc/sys/kernel/core_pattern", "klw")]
    [InlineData("/proc/sys/kernel/modprobe", "klw")]
    [InlineData("/proc/sys/kernel/sysrq", "klw")]
    [InlineData("/proc/sys/kernel/seccomp/actions_logged", "klw")]
    [InlineData("/proc/sys/kernel/shutdown", "klw")]
    [InlineData("/proc/sys/kernel/hotplug", "klw")]
    [InlineData("/proc/sys/vm/overcommit_memory", "klw")]
    [InlineData("/proc/sys/fs/binfmt_misc/register", "klw")]
    [InlineData("/proc/sys/net/ipv4/ip_forward", "klw")]
    [InlineData("/sys/kernel/uevent_helper", "klw")]
    [InlineData("/sys/kernel/security/apparmor/.remove", "klmrwx")]
    [InlineData("/sys/firmware/efi/vars/x", "klmrwx")]
    [InlineData("/sys/devices/virtual/powercap/intel-rapl/energy_uj", "klmrwx")]
    [InlineData("/sys/module/x/parameters/y", "klw")]
    [InlineData("/sys/fs/bpf/x", "klw")]
    [InlineData("/sys/fs/ext4/sda/trigger_fs_error", "klw")]
    [InlineData("/sys/fs/cgroup/release_agent", "klw")]
    [InlineData("/sys/fs/cgroup/memory/release_agent", "klw")]
    // What stays the container's own.
    [InlineData("/proc/1/oom_score_adj", "")]
    [InlineData("/proc/12/task/12/comm", "")]
    [InlineData("/proc/1/attr/exec", "")]
    [InlineData("/proc/sys/kernel/shmmax", "")]
    [InlineData("/proc/sys/kernel/shm_rmid_forced", "")]
    [InlineData("/sys/fs/cgroup/pids.max", "")]
    [InlineData("/sys/fs/cgroup/memory/own/cgroup.procs", "")]
    [InlineData("/dev/null", "")]
    [InlineData("/etc/passwd", "")]
    [InlineData("/procs/x", "")]
    [InlineData("/system/x", "")]
    public void Denials_AreTheKernelsFiles_AndNoOthers(string path, string rights) => Assert.Equal(rights, Denied(path));

    [Theory]
    [InlineData(null, 3)]
    [InlineData("unconfined", 3)]
    [InlineData("berthd", 4)]
    [InlineData("/usr/bin/ber thd//&\"x", 4)]
    public void Signals_AreTakenFromTheEngine(string? engine, int senders)
    {
        string text = DefaultProfile.Text(engine);
        Assert.Equal(senders, text.Split("\n  signal (receive) peer=").Length - 1);
        Assert.Contains($"signal (send, receive) peer={DefaultProfile.Name},", text, StringComparison.Ordinal);
        if (senders > 3)
            Assert.Contains(engine == "berthd" ? "peer=berthd," : "peer=\"/usr/bin/ber thd//&\\\"x\",", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("/usr/bin/ber thd")]
    public async Task Text_IsWhatTheCompilerTakes(string? engine)
    {
        Assert.SkipUnless(File.Exists(Parser), "apparmor is not installed");
        using Process process = Process.Start(new ProcessStartInfo(Parser, ["--skip-kernel-load", "--skip-cache", "--stdout"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/",
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> binary = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteAsync(DefaultProfile.Text(engine));
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await errors);
        Assert.Contains(DefaultProfile.Name, await binary, StringComparison.Ordinal);
    }
}
