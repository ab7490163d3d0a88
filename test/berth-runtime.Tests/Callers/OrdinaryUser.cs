using Berth.Linux.Processes;

namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>A user with ranges of ids, who exists in mount namespaces of the test alone: the machine's user files stay as they are. Podman and
/// Buildah have their storage below the user's directory, and the program lies where the user may read it.</summary>
internal sealed class OrdinaryUser : IAsyncDisposable
{
    private const string Name = "berthpassenger";
    private static int s_users;
    private readonly string _script;

    private OrdinaryUser()
    {
        // No user of the machine, and no two of these at a time.
        Id = 3_000_000 + (Environment.ProcessId % 100_000 * 10) + (Interlocked.Increment(ref s_users) % 10);
        Root = Directory.CreateTempSubdirectory("berth-user-").FullName;
        _script = Path.Join(Root, "enter.sh");
    }

    /// <summary>The user's number.</summary>
    public int Id { get; }

    /// <summary>The user's directory.</summary>
    public string Root { get; }

    /// <summary>The program, where the user may read it.</summary>
    public string Runtime => Path.Join(Root, "bin/berth-runtime");

    private int FirstId => Id + 20_000_000;

    /// <summary>Null when there can be one; otherwise what is missing.</summary>
    public static string? Missing => Command.Missing ?? (Command.IsInstalled("newuidmap") ? null : "uidmap is not installed");

    /// <summary>Makes one, with an image of a tree.</summary>
    public static async Task<OrdinaryUser> MakeAsync()
    {
        OrdinaryUser user = new();
        await user.PrepareAsync();
        return user;
    }

    private async Task PrepareAsync()
    {
        foreach (string name in (string[])["bin", "run", "home"])
            Directory.CreateDirectory(Path.Join(Root, name));
        // By another process: what this one has open for writing a child of another test may hold, and then nobody may execute it.
        await Command.NeedAsync("cp", [Command.Runtime, Runtime]);
        await File.WriteAllTextAsync($"{Root}/passwd", await File.ReadAllTextAsync("/etc/passwd") + $"{Name}:x:{Id}:{Id}::{Root}/home:/bin/sh\n");
        await File.WriteAllTextAsync($"{Root}/group", await File.ReadAllTextAsync("/etc/group") + $"{Name}:x:{Id}:\n");
        await File.WriteAllTextAsync($"{Root}/subid", $"{Name}:{FirstId}:65536\n");
        ContainersStorage.Make($"{Root}/home");
        await File.WriteAllTextAsync(_script, $"""
            mount --bind {Root}/passwd /etc/passwd && mount --bind {Root}/group /etc/group || exit 99
            touch /etc/subuid /etc/subgid
            mount --bind {Root}/subid /etc/subuid && mount --bind {Root}/subid /etc/subgid || exit 99
            cd {Root}/home
            exec setpriv --reuid {Id} --regid {Id} --clear-groups env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME={Root}/home USER={Name} \
                LOGNAME={Name} XDG_RUNTIME_DIR={Root}/run CONTAINERS_CONF={Root}/home/containers.conf \
                CONTAINERS_STORAGE_CONF={Root}/home/storage.conf "$@"

            """);
        string tree = await BusyboxTree.MakeAsync(Path.Join(Root, "tree"));
        await Command.NeedAsync("tar", ["-C", tree, "-cf", $"{Root}/home/tree.tar", "."]);
        File.SetUnixFileMode(Root, (UnixFileMode)0x1ED);
        await Command.NeedAsync("chown", ["-R", $"{Id}:{Id}", $"{Root}/home", $"{Root}/run"]);
        await Command.NeedAsync("chmod", ["700", $"{Root}/run"]);
    }

    /// <summary>Runs a program as the user.</summary>
    public Task<Completed> RunAsync(string program, params string[] arguments) =>
        Command.RunAsync("unshare", ["--mount", "sh", _script, program, .. arguments]);

    /// <summary>Runs a program that must succeed; returns its output.</summary>
    public Task<string> NeedAsync(string program, params string[] arguments) =>
        Command.NeedAsync("unshare", ["--mount", "sh", _script, program, .. arguments]);

    private bool Owns(string process)
    {
        try
        {
            string line = File.ReadLines($"/proc/{process}/status").Single(static text => text.StartsWith("Uid:", StringComparison.Ordinal));
            int uid = int.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1]);
            return uid == Id || (uid >= FirstId && uid < FirstId + 65_536);
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Podman's pause process, which holds the user's namespaces, and what a failed test left.
        foreach (string process in Directory.EnumerateDirectories("/proc").Select(static path => Path.GetFileName(path)!)
            .Where(static name => int.TryParse(name, out _)).Where(Owns))
            Signals.TrySend(int.Parse(process), Signals.SIGKILL);
        await Command.UntilAsync($"{Root} is removed", () => Task.FromResult(TryRemove()));
    }

    private bool TryRemove()
    {
        try
        {
            Directory.Delete(Root, recursive: true);
            return true;
        }
        catch (IOException)
        {
            return !Directory.Exists(Root);
        }
    }
}
