using Berth.Faults;
using Berth.Linux;
using Berth.Oci.Runtime;

namespace Berth.Runtime;

/// <summary>Starts containers and finds those that an earlier engine started. Knows nothing of images, names or networks.</summary>
public interface IContainerRuntime
{
    /// <summary>
    /// Makes the container up to the point where its first process waits to execute: namespaces, cgroup, mounts and root are done.
    /// The caller may now wire its network namespace and attach, and calls <see cref="IContainer.StartAsync"/>.
    /// </summary>
    /// <exception cref="FaultException">InvalidArgument: the specification cannot be met (message says which part).
    /// Conflict: the run directory is in use. Internal: the kernel refused a step, or a hook failed, which the message names.</exception>
    Task<IContainer> CreateAsync(ContainerRequest request, CancellationToken cancellationToken);

    /// <summary>What a start of a process will clamp or leave out on this host: hard limits above the host's, missing
    /// capabilities.</summary>
    /// <exception cref="FaultException">InvalidArgument: an unknown limit or capability.</exception>
    IReadOnlyList<string> WarningsOf(ProcessSpec process);

    /// <summary>Makes sure that containers with a user namespace can have files of a directory's file system
    /// (<see cref="ContainerRequest.MapsOwners"/>). Asks the kernel once for each file system.</summary>
    /// <exception cref="FaultException">NotSupported: why not.</exception>
    void CheckMapping(string directory);

    /// <summary>Finds a container that was started by an earlier engine process by its run directory: running, or ended meanwhile
    /// (then <see cref="IContainer.Exited"/> is complete). Null when nothing was started there.</summary>
    Task<IContainer?> ReattachAsync(string id, string runDirectory, CancellationToken cancellationToken);
}

/// <summary>All that a container needs to be made.</summary>
public sealed record ContainerRequest
{
    /// <summary>The full 64-character ID.</summary>
    public required string Id { get; init; }

    /// <summary>The directory of the configuration, which hooks are told; null: where there are hooks, it is written into the run
    /// directory.</summary>
    public string? Bundle { get; init; }

    /// <summary>Who asked for a hook, by the hook itself: for messages.</summary>
    public IReadOnlyDictionary<HookSpec, string> HookOwners { get; init; } =
        new Dictionary<HookSpec, string>(ReferenceEqualityComparer.Instance);

    /// <summary>The OCI runtime configuration. <c>root.path</c> is ignored when <see cref="Overlay"/> is given.</summary>
    public required RuntimeSpec Spec { get; init; }

    /// <summary>The root to mount, inside the container's own mount namespace so that nothing stays behind on the host.</summary>
    public OverlayRoot? Overlay { get; init; }

    /// <summary>An empty directory of this container alone below the engine's exec-root: sockets, pid, exit record.</summary>
    public required string RunDirectory { get; init; }

    /// <summary>Of bind mounts by their destination: the path beneath the source that is mounted. Whoever writes in the source may
    /// change it at any time, so it is resolved by the kernel when it is mounted, without links and without leaving the source.
    /// </summary>
    public IReadOnlyDictionary<string, string> Subpaths { get; init; } = new Dictionary<string, string>();

    /// <summary>The specification has a new user namespace, and the root is shown through its maps, so that it has the image's owners
    /// inside and keeps the container's own on disk; so are bind mounts with the option <c>idmap</c>, without maps of their own. Their
    /// sources may be anywhere: nobody in the namespace walks to them.</summary>
    /// <remarks>docs/adr/0013-user-namespaces.md.</remarks>
    public bool MapsOwners { get; init; }

    /// <summary>With <see cref="MapsOwners"/>, of bind mounts by their destination: the layers, topmost first, that are mounted read-only
    /// instead of the source.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Layers { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>A network namespace prepared by the caller; wins over the specification's network entry. Null: as the
    /// specification says.</summary>
    public FileDescriptor? NetworkNamespace { get; init; }

    /// <summary>Keep the container's stdin open and forward what attached clients send.</summary>
    public bool OpenStdin { get; init; }

    /// <summary>Close stdin for good when the first attached client half-closes or goes (Docker's StdinOnce).</summary>
    public bool StdinOnce { get; init; }

    /// <summary>Where the monitor writes the output, in json-file form. Null: nowhere.</summary>
    public LogFile? Log { get; init; }

    /// <summary>Who makes it; null: we ourselves.</summary>
    public ExternalRuntime? Runtime { get; init; }

    /// <summary>Run a tiny init as process 1 that reaps and forwards signals.</summary>
    public bool Init { get; init; }

    /// <summary>The bytes of a Docker-style seccomp or other warnings are put here by the runtime: limits clamped, capabilities
    /// missing on the host.</summary>
    public IList<string>? Warnings { get; init; }
}

/// <summary>An overlayfs root.</summary>
/// <param name="Lower">Lower directories, topmost first.</param>
/// <param name="Upper">The upper directory.</param>
/// <param name="Work">The work directory.</param>
/// <param name="MountPoint">An empty directory to mount on.</param>
public sealed record OverlayRoot(IReadOnlyList<string> Lower, string Upper, string Work, string MountPoint);

/// <summary>The log that the monitor writes: Docker's json-file lines.</summary>
/// <param name="Path">The current file; rotated ones are <c>path.1</c>, <c>path.2</c>, …</param>
/// <param name="BytesMax">When to rotate; -1 never.</param>
/// <param name="FilesMax">How many files there are at most, the current one included.</param>
public sealed record LogFile(string Path, long BytesMax, int FilesMax)
{
    /// <summary>A JSON object that goes into every line as <c>attrs</c>; null: none.</summary>
    public string? Attributes { get; init; }
}

/// <summary>One container that was made. Disposing lets go of it; it goes on running under its monitor.</summary>
public interface IContainer : IAsyncDisposable
{
    /// <summary>The full ID.</summary>
    string Id { get; }

    /// <summary>The first process, as the host sees it.</summary>
    int Pid { get; }

    /// <summary>When the first process was started; null before <see cref="StartAsync"/>.</summary>
    DateTimeOffset? StartedAt { get; }

    /// <summary>Completes when the first process has ended and all its output is in the log and with the attached. Cancelled when the
    /// container or its runtime is disposed first and nobody here can know the end any more.</summary>
    Task<ContainerExit> Exited { get; }

    /// <summary>Lets the first process execute its program; returns when it has.</summary>
    /// <exception cref="FaultException">NotFound: the program does not exist (exit code 127). Forbidden: it cannot be executed
    /// (exit code 126). The messages are runc's, which Docker's clients parse. Internal: a hook failed; it has been killed.</exception>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Connects to the container's output and, if asked, input. Output is complete from the moment of the call; call it before
    /// <see cref="StartAsync"/> to miss nothing. A reader that does not read holds the container back, never loses bytes.
    /// </summary>
    Task<IContainerStreams> AttachAsync(bool stdin, CancellationToken cancellationToken);

    /// <summary>Sends a signal to the first process, 0 only asks; false when it has ended and its number may be another's.</summary>
    bool TrySignal(int signal);

    /// <summary>Sets the terminal's size.</summary>
    /// <exception cref="FaultException">Conflict: no terminal, or ended.</exception>
    Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken);

    /// <summary>Freezes all its processes.</summary>
    Task PauseAsync(CancellationToken cancellationToken);

    /// <summary>Lets frozen processes go on.</summary>
    Task ResumeAsync(CancellationToken cancellationToken);

    /// <summary>Changes limits while it runs.</summary>
    Task UpdateAsync(LinuxResources resources, CancellationToken cancellationToken);

    /// <summary>Counts of its cgroups at this moment.</summary>
    CgroupStatistics ReadStatistics();

    /// <summary>The pids of its processes, as the host sees them.</summary>
    IReadOnlyList<int> Processes();

    /// <summary>Runs a further process in all its namespaces, with attached streams.</summary>
    /// <exception cref="FaultException">As <see cref="StartAsync"/>; Conflict: the container does not run.</exception>
    Task<IExecProcess> ExecAsync(ExecRequest request, CancellationToken cancellationToken);

    /// <summary>Kills what is left, removes the cgroup, runs the hooks that follow, removes the run directory. Idempotent.</summary>
    Task DeleteAsync(CancellationToken cancellationToken);
}

/// <summary>How a first process ended.</summary>
/// <param name="Code">0 to 255; 128 + n for signal n.</param>
/// <param name="At">When.</param>
/// <param name="OutOfMemory">The kernel killed a process of the container for memory.</param>
public readonly record struct ContainerExit(int Code, DateTimeOffset At, bool OutOfMemory);

/// <summary>A process beside the first.</summary>
public sealed record ExecRequest
{
    /// <summary>The 64-character exec ID.</summary>
    public required string Id { get; init; }

    /// <summary>Arguments, environment, user, directory, capabilities, terminal: already resolved.</summary>
    public required ProcessSpec Process { get; init; }

    /// <summary>Give it a pipe or terminal to read from; otherwise <c>/dev/null</c>.</summary>
    public bool Stdin { get; init; }

    /// <summary>Nobody will read: output is discarded.</summary>
    public bool Detached { get; init; }
}

/// <summary>A running exec. Disposing lets go of its streams; the process goes on.</summary>
public interface IExecProcess : IAsyncDisposable
{
    /// <summary>The process, as the host sees it.</summary>
    int Pid { get; }

    /// <summary>Its streams; null when detached.</summary>
    IContainerStreams? Streams { get; }

    /// <summary>Completes with its exit code (128 + n for signal n).</summary>
    Task<int> Exited { get; }

    /// <summary>Sets the terminal's size.</summary>
    Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken);

    /// <summary>Sends a signal; false when it has ended.</summary>
    bool TrySignal(int signal);
}

/// <summary>The three standard streams of a process, from the outside.</summary>
public interface IContainerStreams : IAsyncDisposable
{
    /// <summary>Reads the next piece of output.</summary>
    /// <returns>Its source and the number of bytes put into <paramref name="buffer"/>; zero bytes: both ended.</returns>
    ValueTask<(OutputSource Source, int Count)> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Writes input; waits while the process does not read. Returns false when nobody will ever read it.</summary>
    ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Ends the input; output goes on.</summary>
    ValueTask CloseInputAsync();
}

/// <summary>Where output came from; the numbers are those of the Engine API's frames.</summary>
public enum OutputSource
{
    /// <summary>Standard output, or a terminal.</summary>
    Stdout = 1,

    /// <summary>Standard error.</summary>
    Stderr = 2,
}
