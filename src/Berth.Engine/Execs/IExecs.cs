using Berth.Faults;

namespace Berth.Engine;

/// <summary>Further processes in running containers.</summary>
public interface IExecs
{
    /// <summary>Prepares one; returns its 64-character ID.</summary>
    /// <exception cref="FaultException">NotFound: no such container. Conflict: it does not run or is paused.</exception>
    Task<string> CreateAsync(string container, ExecSettings settings, CancellationToken cancellationToken);

    /// <summary>Starts it. Null when detached.</summary>
    /// <exception cref="FaultException">NotFound: <c>No such exec instance: x</c>. Conflict: it was started already.
    /// </exception>
    Task<IAttachment?> StartAsync(string id, ExecStart start, CancellationToken cancellationToken);

    /// <summary>Completes when the exit code of one that was started is known to <see cref="Inspect"/>.</summary>
    Task WaitAsync(string id, CancellationToken cancellationToken);

    /// <summary>What is known about it, also for a while after it ended.</summary>
    ExecDetails Inspect(string id);

    /// <summary>Sets the size of its terminal.</summary>
    Task ResizeAsync(string id, int rows, int columns, CancellationToken cancellationToken);
}

/// <summary>What an exec runs, and how. Names are those of the Engine API.</summary>
public sealed record ExecSettings
{
    /// <summary>Program and arguments.</summary>
    public required IReadOnlyList<string> Cmd { get; init; }

    /// <summary>Environment beside the container's.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary>User, or user:group; null: the container's.</summary>
    public string? User { get; init; }

    /// <summary>Directory; null: the container's.</summary>
    public string? WorkingDir { get; init; }

    /// <summary>With all capabilities.</summary>
    public bool Privileged { get; init; }

    /// <summary>With a terminal.</summary>
    public bool Tty { get; init; }

    /// <summary>With input.</summary>
    public bool AttachStdin { get; init; }

    /// <summary>With output.</summary>
    public bool AttachStdout { get; init; }

    /// <summary>With errors.</summary>
    public bool AttachStderr { get; init; }

    /// <summary>Keys that let go; null: <c>ctrl-p,ctrl-q</c>.</summary>
    public string? DetachKeys { get; init; }

    /// <summary>The first size of the terminal; 0, 0: unknown.</summary>
    public (int Rows, int Columns) ConsoleSize { get; init; }
}

/// <summary>How an exec is started.</summary>
/// <param name="Detach">Do not connect.</param>
/// <param name="ConsoleSize">The terminal's first size; 0, 0: as at creation.</param>
public sealed record ExecStart(bool Detach, (int Rows, int Columns) ConsoleSize);

/// <summary>What is known about an exec.</summary>
/// <param name="Id">Its 64-character ID.</param>
/// <param name="ContainerId">Where it runs.</param>
/// <param name="Settings">What was asked for.</param>
/// <param name="Running">It runs.</param>
/// <param name="ExitCode">How it ended; null: not yet.</param>
/// <param name="Pid">As the host sees it; 0: none.</param>
/// <param name="CanRemove">It ended and nobody is connected.</param>
public sealed record ExecDetails(
    string Id, string ContainerId, ExecSettings Settings, bool Running, int? ExitCode, int Pid, bool CanRemove);
