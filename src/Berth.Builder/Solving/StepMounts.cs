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
            if (mount.Type == RunMountType.Ssh)
                throw new FaultException(FaultKind.NotSupported, "RUN --mount=type=ssh: this client offers no ssh agent to the build");
            if (mount.Type == RunMountType.Secret && mount.Required && !session.Request.Secrets.ContainsKey(SecretId(mount)))
                throw FaultException.NotFound($"secret {SecretId(mount)}: not found");
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
                    IReadOnlyList<string> bound = mount.From is null ? [await session.Request.Context.DirectoryAsync().ConfigureAwait(false)] : lower;
                    Mounts.Add(new StepMount(mount.Target!, Bind(own, mount, bound), mount.ReadOnly ?? true));
                    break;
                case RunMountType.Cache:
                    Mounts.Add(new StepMount(
                        mount.Target!, await CacheAsync(mount, lower, cancellationToken).ConfigureAwait(false), mount.ReadOnly ?? false));
                    break;
                case RunMountType.Tmpfs:
                    Mounts.Add(new StepMount(mount.Target!, null, ReadOnly: false, mount.SizeBytes));
                    break;
                default:
                    Secret(own, mount);
                    break;
            }
        }
        if (script is not null)
            Script(Path.Combine(directory, "script"), script);
    }

    public ValueTask DisposeAsync()
    {
        while (_undo.TryPop(out Action? undo))
            undo();
        Mounts.Clear();
        return ValueTask.CompletedTask;
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

    private void Secret(string own, RunMount mount)
    {
        if (!session.Request.Secrets.TryGetValue(SecretId(mount), out ReadOnlyMemory<byte> secret))
            return;
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
