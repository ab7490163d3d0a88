using System.Diagnostics;
using Berth.Unified.Tests;


namespace Berth.Unified.Tests;

/// <summary>
/// An emulated machine with Debian's kernel and the unified tree of control groups alone. It is booted once with our programs, runs
/// <c>Programs/checks.sh</c>, tells how that went on its console, and powers off.
/// </summary>
public class Machine : IAsyncLifetime
{
    private const string Emulator = "/usr/bin/qemu-system-x86_64";
    // Each is loaded after what it depends on.
    private static readonly string[] s_modules =
    [
        "virtio_pci", "virtio_blk", "overlay", "nf_tables", "nft_chain_nat", "nft_ct", "nft_masq", "nft_nat", "nft_redir", "nft_fib_inet",
        "nft_reject_inet", "nft_limit", "nft_log", "bridge", "veth", "tun", "crc32c_generic", "ext4", "quota_v2", "xfs",
    ];

    // What an ordinary user's engine needs.
    private static readonly string[] s_userPrograms = ["/usr/bin/newuidmap", "/usr/bin/newgidmap", "/usr/bin/slirp4netns", "/usr/bin/setpriv"];

    private const int DiskBytes = 96 << 20;

    // Everything but writing one file.
    private const string AppArmorPolicy = """
        abi <abi/3.0>,
        profile berth-test flags=(attach_disconnected,mediate_deleted) {
          capability,
          network,
          mount,
          umount,
          signal,
          ptrace,
          unix,
          file,
          deny /denied w,
        }

        """;

    private const string AppArmorParser = "/usr/sbin/apparmor_parser";

    // A disk of a file system with project quotas each; mkfs.xfs makes none that is smaller.
    private const int QuotaDiskBytes = 320 << 20;
    private static readonly string[][] s_quotaDisks =
        [["/usr/sbin/mkfs.xfs", "-q"], ["/usr/sbin/mkfs.ext4", "-q", "-O", "project,quota", "-E", "quotatype=prjquota"]];

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(600);
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-unified-").FullName;
    private readonly Dictionary<string, string> _outcomes = new(StringComparer.Ordinal);

    /// <summary>What runs in it.</summary>
    protected virtual string ScriptName => "checks.sh";

    /// <summary>Programs of the host beside ours and busybox, where they are, with their libraries.</summary>
    protected virtual IReadOnlyList<string> Programs => [.. s_userPrograms, "/usr/sbin/runc", "/usr/bin/crun", "/usr/sbin/xfs_quota", AppArmorParser];

    /// <summary>Whether it has disks with project quotas beside the empty one.</summary>
    protected virtual bool HasQuotas => true;

    /// <summary>More that its first tree holds.</summary>
    private protected virtual async Task AddMoreAsync(InitialTree tree)
    {
        // Compiled for what the policy names, without a look at this machine's kernel.
        await File.WriteAllTextAsync($"{_directory}/policy", AppArmorPolicy);
        await OutputAsync(AppArmorParser, ["-Q", "-K", "-M", "/etc/apparmor.d/abi/3.0", "-o", $"{_directory}/policy.bin", $"{_directory}/policy"]);
        tree.AddFile("policy", await File.ReadAllBytesAsync($"{_directory}/policy.bin"));
    }

    /// <summary>Null when the machine has run; otherwise what is missing.</summary>
    public string? Missing { get; private set; }

    /// <summary>All that it said.</summary>
    public string Log { get; private set; } = "";

    /// <summary>How a check went: <c>ok</c>, or what was seen.</summary>
    public string Outcome(string check) => _outcomes.GetValueOrDefault(check, "was not reached");

    /// <summary>All checks in the script's order.</summary>
    public static TheoryData<string> Checks => ChecksIn("checks.sh");

    /// <summary>All checks in a script's order.</summary>
    protected static TheoryData<string> ChecksIn(string script)
    {
        TheoryData<string> names = [];
        foreach (string line in File.ReadLines(Script(script)))
            if (line.Split(' ', 3) is ["equal" or "holds" or "refused" or "stays", var name, _] && !name.Contains('(', StringComparison.Ordinal))
                names.Add(name);
        return names;
    }

    public async ValueTask InitializeAsync()
    {
        string? kernel = Directory.Exists("/boot") ? Directory.GetFiles("/boot", "vmlinuz-*-cloud-amd64").Order().LastOrDefault() : null;
        string programs = Environment.GetEnvironmentVariable("BERTH_BIN") ?? "";
        Missing = !File.Exists(Emulator) ? "qemu-system-x86 is not installed" : kernel is null ? "linux-image-cloud-amd64 is not installed"
            : !File.Exists("/bin/busybox") ? "busybox-static is not installed"
            : Programs.Concat(HasQuotas ? [AppArmorParser, .. s_quotaDisks.Select(static maker => maker[0])] : [])
                .FirstOrDefault(static program => !File.Exists(program)) is { } program ? $"{program} is not installed"
            : !File.Exists($"{programs}/berthd") ? "BERTH_BIN names no directory with berthd: ./dev build" : null;
        if (Missing is not null)
            return;
        await WriteTreeAsync(programs, Path.GetFileName(kernel!)["vmlinuz-".Length..]);
        List<string> disks = [MakeDisk("disk", DiskBytes)];
        foreach (string[] maker in HasQuotas ? s_quotaDisks : [])
        {
            disks.Add(MakeDisk(Path.GetFileName(maker[0]), QuotaDiskBytes));
            await OutputAsync(maker[0], [.. maker[1..], disks[^1]]);
        }
        await BootAsync(kernel!, disks);
    }

    private string MakeDisk(string name, int bytes)
    {
        string path = $"{_directory}/{name}";
        using FileStream disk = File.Create(path);
        disk.SetLength(bytes);
        return path;
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task BootAsync(string kernel, IReadOnlyList<string> disks)
    {
        using Process machine = Process.Start(new ProcessStartInfo(Emulator,
        [
            "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048", "-display", "none", "-no-reboot", "-nic", "none",
            "-serial", "stdio", "-monitor", "none",
            .. disks.SelectMany(static disk => new[] { "-drive", $"file={disk},format=raw,if=virtio" }),
            "-kernel", kernel, "-initrd", $"{_directory}/initrd", "-append",
            // The kernel's own errors, such as of a group that is out of memory, would come into the middle of a check's line.
            "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off cgroup_no_v1=all",
        ]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
        using CancellationTokenSource patience = new(s_patience);
        Task<string> errors = machine.StandardError.ReadToEndAsync(patience.Token);
        List<string> lines = [];
        try
        {
            while (await machine.StandardOutput.ReadLineAsync(patience.Token) is { } line)
                lines.Add(line.TrimEnd('\r'));
            await machine.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            machine.Kill();
            lines.Add($"the machine did not end in {s_patience}");
        }
        Log = string.Join('\n', lines) + (patience.IsCancellationRequested ? "" : await errors);
        foreach (string line in lines)
            if (line.IndexOf("check: ", StringComparison.Ordinal) is >= 0 and var at && line[at..].Split(": ", 3) is [_, var name, var outcome])
                _outcomes[name] = outcome;
    }

    private async Task WriteTreeAsync(string programs, string release)
    {
        await using FileStream file = File.Create($"{_directory}/initrd");
        InitialTree tree = new(file);
        tree.AddDirectory("new");
        tree.AddFile("init", await File.ReadAllBytesAsync(Script("init.sh")));
        tree.AddFile("checks.sh", await File.ReadAllBytesAsync(Script(ScriptName)));
        await AddBusyboxAsync(tree, "bin");
        foreach (string program in new[] { "berth", "berthd", "berth-runtime", "libe_sqlite3.so" })
            tree.AddFile($"bin/{program}", await File.ReadAllBytesAsync($"{programs}/{program}"));
        foreach (string program in Programs)
            tree.AddFile($"bin/{Path.GetFileName(program)}", await File.ReadAllBytesAsync(program));
        // Where programs with set-id bits, and those without our environment, look for libraries.
        tree.AddLink("lib/x86_64-linux-gnu", "berth");
        await AddMoreAsync(tree);
        await AddLibrariesAsync(tree, programs);
        await AddModulesAsync(tree, $"/lib/modules/{release}");
        tree.AddFile("image.tar", await ImageAsync());
        tree.Finish();
    }

    // What the programs load: the C library, and OpenSSL when the first digest is made.
    private async Task AddLibrariesAsync(InitialTree tree, string programs)
    {
        HashSet<string> added = [];
        string[] loaders =
        [
            $"{programs}/berthd", $"{programs}/berth", $"{programs}/libe_sqlite3.so", .. Directory.GetFiles("/usr/lib/x86_64-linux-gnu", "libssl.so.3"),
            .. Directory.GetFiles("/usr/lib/x86_64-linux-gnu", "libcrypto.so.3"), .. Programs,
        ];
        foreach (string program in loaders)
        {
            string listed = await OutputAsync("ldd", [program]);
            foreach (string library in listed.Split([' ', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries)
                .Where(static word => word.StartsWith('/')).Append(program.Contains("/lib/", StringComparison.Ordinal) ? program : ""))
                if (library.Length > 0 && added.Add(Path.GetFileName(library)))
                    tree.AddFile(library.StartsWith("/lib64/", StringComparison.Ordinal) ? library[1..]
                        : $"lib/berth/{Path.GetFileName(library)}", await File.ReadAllBytesAsync(library));
        }
    }

    // Those that the checks need, each after what it depends on.
    private static async Task AddModulesAsync(InitialTree tree, string modules)
    {
        List<string> order = [];
        foreach (string name in s_modules)
        {
            string line = File.ReadLines($"{modules}/modules.dep").FirstOrDefault(line => line.Contains($"/{name}.ko:", StringComparison.Ordinal)) ?? "";
            string[] parts = line.Split([':', ' '], StringSplitOptions.RemoveEmptyEntries);
            foreach (string module in parts.Skip(1).Reverse().Concat(parts.Take(1)))
                if (!order.Contains(module))
                    order.Add(module);
        }
        foreach (string module in order)
            tree.AddFile($"modules/{Path.GetFileName(module)}", await File.ReadAllBytesAsync($"{modules}/{module}"));
        tree.AddFile("modules/order", System.Text.Encoding.ASCII.GetBytes(string.Join('\n', order.Select(Path.GetFileName))), isExecutable: false);
    }

    private static async Task AddBusyboxAsync(InitialTree tree, string directory)
    {
        tree.AddFile($"{directory}/busybox", await File.ReadAllBytesAsync("/bin/busybox"));
        foreach (string applet in (await OutputAsync("/bin/busybox", ["--list"])).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            if (applet != "busybox")
                tree.AddLink($"{directory}/{applet}", "busybox");
    }

    private async Task<byte[]> ImageAsync()
    {
        string bin = Directory.CreateDirectory($"{_directory}/image/bin").FullName;
        File.Copy("/bin/busybox", $"{bin}/busybox");
        foreach (string applet in new[] { "sh", "sleep", "cat", "sed", "dd", "timeout", "test", "grep", "head", "mknod", "echo", "mount", "umount", "kill", "true" })
            File.CreateSymbolicLink($"{bin}/{applet}", "busybox");
        await OutputAsync("tar", ["-C", $"{_directory}/image", "-cf", $"{_directory}/image.tar", "."]);
        return await File.ReadAllBytesAsync($"{_directory}/image.tar");
    }

    private static async Task<string> OutputAsync(string program, IEnumerable<string> arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _ = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output;
    }

    /// <summary>Where a script of the tests is.</summary>
    private protected static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Programs", name);
}
