using System.Globalization;
using System.Text;
using Berth.Builder.Cache;
using Berth.Builder.Files;
using Berth.Dockerfile;
using Berth.Dockerfile.Ignore;
using Berth.Dockerfile.Instructions;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;

namespace Berth.Builder.Solving;

/// <summary>The mounts of one RUN: what goes into its key, and then the directories on the host that are bound.</summary>
internal sealed class StepMounts(BuildSession session, Stage stage, string workingDirectory, Func<string, string> expand) : IAsyncDisposable
{
    private const long SecretsBytesMax = 16 * 1024 * 1024;
    private readonly List<(RunMount Mount, IReadOnlyList<string> Lower)> _wanted = [];
    private readonly Stack<Action> _undo = new();
    private readonly List<AgentSocket> _agents = [];

    /// <summary>What matters for the step: what is bound and where, never a cache's or a secret's content.</summary>
    public List<string> KeyParts { get; } = [];

    /// <summary>Secrets as variables.</summary>
    public List<string> Environment { get; } = [];

    public List<StepMount> Mounts { get; } = [];

    public async Task PrepareAsync(IReadOnlyList<RunMount> mounts, CancellationToken cancellationToken)
    {
        foreach (RunMount written in mounts)
        {
            RunMount mount = written with
            {
                Target = written.Target is null ? null : PathText.Join(workingDirectory, expand(written.Target)),
                    Source = Expanded(written.Source), Id = Expanded(written.Id), From = written.From,
                Mode = Expanded(written.Mode), Uid = Expanded(written.Uid), Gid = Expanded(written.Gid),
            };
            (IReadOnlyList<string> lower, string content) = await SourceAsync(mount, cancellationToken).ConfigureAwait(false);
            _wanted.Add((mount, lower));
            KeyParts.Add($"{mount}|{content}");
        }
    }

    /// <summary>Makes what is bound, below the step's own directory.</summary>
    public async Task OpenAsync(string directory, Heredoc? script, CancellationToken cancellationToken)
    {
        int number = 0;
        foreach ((RunMount mount, IReadOnlyList<string> lower) in _wanted)
        {
            string own = Path.Combine(directory, $"mount{number++}");
            switch (mount.Type)
            {
                case RunMountType.Bind:
                    IReadOnlyList<string> bound = mount.From is null
                        ? [await session.Request.Context.DirectoryAsync().ConfigureAwait(false)] : lower;
                    Mounts.Add(new StepMount(mount.Target!, Bind(own, mount, bound), mount.ReadOnly ?? true));
                    break;
                case RunMountType.Cache:
                    Mounts.Add(new StepMount(
                        mount.Target!, await CacheAsync(mount, lower, cancellationToken).ConfigureAwait(false), mount.ReadOnly ?? false));
                    break;
                case RunMountType.Tmpfs:
                    Mounts.Add(new StepMount(mount.Target!, null, ReadOnly: false, mount.SizeBytes));
                    break;
                case RunMountType.Ssh:
                    await AgentAsync(own, mount, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    await SecretAsync(own, mount, cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
        if (script is not null)
            Script(Path.Combine(directory, "script"), script);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (AgentSocket agent in _agents)
            await agent.DisposeAsync().ConfigureAwait(false);
        _agents.Clear();
        while (_undo.TryPop(out Action? undo))
            undo();
        Mounts.Clear();
    }

    private string? Expanded(string? text) => text is null ? null : expand(text);

    private static string SecretId(RunMount mount) => mount.Id ?? Path.GetFileName(mount.Target) ?? mount.Env ?? "";

    private async Task<(IReadOnlyList<string> Lower, string Content)> SourceAsync(RunMount mount, CancellationToken cancellationToken)
    {
        if (mount.From is { } from && mount.Type is RunMountType.Bind or RunMountType.Cache)
        {
            (IReadOnlyList<string> directories, string chain) =
                await session.TreeOfAsync(stage, from, cancellationToken).ConfigureAwait(false);
            return (directories.Count == 0 ? [session.Services.EmptyDirectory] : directories, chain);
        }
        if (mount.Type != RunMountType.Bind)
            return ([], "");
        SourceNode node = session.Context.Read(Relative(mount.Source), IgnoreFile.Empty)
            ?? throw FaultException.Invalid($"failed to compute cache key: \"{mount.Source}\": not found in the build context");
        session.Context.HashContents([node], cancellationToken);
        using KeyBuilder key = new("bind");
        return ([], key.Add(node).Finish().ToString());
    }

    // A view of its own: what is written to it is discarded, and its source is found inside it.
    private string Bind(string own, RunMount mount, IReadOnlyList<string> lower)
    {
        (string upper, string work, string view) = (Path.Combine(own, "upper"), Path.Combine(own, "work"), Path.Combine(own, "view"));
        foreach (string part in new[] { upper, work, view })
            Directory.CreateDirectory(part);
        using FileDescriptor tree = DetachedMounts.Overlay(lower, upper, work);
        DetachedMounts.Attach(tree, view);
        _undo.Push(() => DetachedMounts.Unmount(view, DetachedMounts.MNT_DETACH));
        return Inside(view, mount.Source);
    }

    private async Task<string> CacheAsync(RunMount mount, IReadOnlyList<string> lower, CancellationToken cancellationToken)
    {
        string id = mount.Id ?? PathText.Join("/", mount.Target!);
        (string path, IDisposable lease) = await session.Services.CacheMounts.TakeAsync(id, mount.Sharing ?? "shared", cancellationToken)
            .ConfigureAwait(false);
        _undo.Push(lease.Dispose);
        if (Directory.Exists(path))
            return path;
        Directory.CreateDirectory(path);
        using FileDescriptor directory = FileCalls.OpenDirectory(path);
        if (lower.Count > 0)
            Fill(directory, lower, mount.Source, cancellationToken);
        TargetTree.Check(FileCalls.TrySetOwner(directory, Number(mount.Uid), Number(mount.Gid)), "chown", path);
        TargetTree.Check(FileCalls.TrySetMode(directory, Mode(mount, 0x1ED)), "chmod", path);
        return path;
    }

    private void Fill(FileDescriptor directory, IReadOnlyList<string> lower, string? source, CancellationToken cancellationToken)
    {
        using SourceTree tree = session.OpenTree(lower);
        SourceNode node =
            tree.Read(Relative(source), IgnoreFile.Empty) ?? throw FaultException.Invalid($"cache mount source {source}: not found");
        new SourceCopier(tree, default, null, cancellationToken).CopyContents(node, directory, takeMetadata: false);
    }

    // Asked for when the step runs, not before: what is in the cache needs none.
    private async Task SecretAsync(string own, RunMount mount, CancellationToken cancellationToken)
    {
        string id = SecretId(mount);
        ReadOnlyMemory<byte>? found = session.Request.Secrets.TryGetValue(id, out ReadOnlyMemory<byte> given) ? given
            : session.Request.Client is { } client ? await client.FindSecretAsync(id, cancellationToken).ConfigureAwait(false) : null;
        if (found is { } secret)
            Secret(own, mount, secret);
        else if (mount.Required)
            throw FaultException.NotFound($"secret {id}: not found");
    }

    private async Task AgentAsync(string own, RunMount mount, CancellationToken cancellationToken)
    {
        string id = string.IsNullOrEmpty(mount.Id) ? "default" : mount.Id;
        IBuildClient? client = session.Request.Client;
        if (client is null || !await client.HasAgentAsync(id, cancellationToken).ConfigureAwait(false))
        {
            if (mount.Required)
                throw FaultException.NotFound($"no SSH key \"{id}\" forwarded from the client");
            return;
        }
        Directory.CreateDirectory(own);
        _agents.Add(AgentSocket.Listen(own, (connection, cancel) => client.ForwardAgentAsync(id, connection, cancel)));
        using (FileDescriptor directory = FileCalls.OpenDirectory(own))
        {
            TargetTree.Check(FileCalls.TrySetOwner(directory, AgentSocket.Name, Number(mount.Uid), Number(mount.Gid)), "chown", "agent");
            TargetTree.Check(FileCalls.TrySetMode(directory, AgentSocket.Name, Mode(mount, 0x180)), "chmod", "agent");
        }
        string target = mount.Target ?? $"/run/buildkit/ssh_agent.{_agents.Count - 1}";
        // A mount of a socket that is read-only could still be connected to; nothing else can be done to it.
        Mounts.Add(new StepMount(target, Path.Combine(own, FileCalls.TextOf(AgentSocket.Name)), ReadOnly: true));
        if (_agents.Count == 1)
            Environment.Add($"SSH_AUTH_SOCK={target}");
    }

    private void Secret(string own, RunMount mount, ReadOnlyMemory<byte> secret)
    {
        if (mount.Env is { } name)
            Environment.Add($"{name}={Encoding.UTF8.GetString(secret.Span)}");
        if (mount.Env is not null && mount.Target is null)
            return;
        // In memory alone: a secret never reaches a disk.
        Directory.CreateDirectory(own);
        using FileDescriptor memory = DetachedMounts.Tmpfs(SecretsBytesMax);
        using (FileDescriptor file = FileCalls.Open(memory, "secret\0"u8, FileCalls.O_WRONLY | FileCalls.O_CREAT | FileCalls.O_EXCL, 0x100))
        {
            TargetTree.Check(FileCalls.TryWrite(file, secret.Span), "write", "secret");
            TargetTree.Check(FileCalls.TrySetOwner(file, Number(mount.Uid), Number(mount.Gid)), "chown", "secret");
            TargetTree.Check(FileCalls.TrySetMode(file, Mode(mount, 0x100)), "chmod", "secret");
        }
        DetachedMounts.Attach(memory, own);
        _undo.Push(() => DetachedMounts.Unmount(own, DetachedMounts.MNT_DETACH));
        Mounts.Add(new StepMount(mount.Target ?? $"/run/secrets/{SecretId(mount)}", Path.Combine(own, "secret"), ReadOnly: true));
    }

    private void Script(string directory, Heredoc script)
    {
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, script.Name);
        File.WriteAllText(path, script.Content);
        File.SetUnixFileMode(directory, (UnixFileMode)0x1ED);
        File.SetUnixFileMode(path, (UnixFileMode)0x1ED);
        Mounts.Add(new StepMount("/dev/pipes", directory, ReadOnly: true));
    }

    // The kernel resolves inside the view; the path it ended at is what is bound.
    private static string Inside(string view, string? source)
    {
        using FileDescriptor root = FileCalls.OpenDirectory(view);
        int error = FileCalls.TryOpen(root, FileCalls.PathOf(Relative(source) is { Length: > 0 } path ? path : "."), FileCalls.O_PATH, 0,
            FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS, out FileDescriptor opened);
        using (opened)
        {
            if (error != 0)
                throw FaultException.Invalid($"bind mount source {source}: not found");
            string real = File.ResolveLinkTarget($"/proc/self/fd/{opened.Number}", returnFinalTarget: false)!.FullName;
            return real == view || real.StartsWith(view + "/", StringComparison.Ordinal)
                ? real : throw FaultException.Invalid($"bind mount source {source}: leads out of its tree");
        }
    }

    private static string Relative(string? path) => path is null or "" ? "" : PathText.Join("/", path)[1..];

    private static uint Number(string? text) => text is null or "" ? 0
        : uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number <= int.MaxValue
            ? number : throw FaultException.Invalid($"invalid value for uid or gid: {text}");

    private static int Mode(RunMount mount, int otherwise) => mount.Mode is null or "" ? otherwise
        : ModeChange.Parse(mount.Mode).Apply(otherwise, isDirectory: false);
}
