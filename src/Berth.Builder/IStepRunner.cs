using Berth.Faults;
using Berth.Layers;

namespace Berth.Builder;

/// <summary>Runs the command of one RUN; the engine implements it over its container runtime.</summary>
public interface IStepRunner
{
    /// <summary>
    /// Runs a command in a container of its own on a writable layer, and returns when it has ended, all its output was delivered
    /// and nothing of it is left: no process, mount, cgroup, network. Nothing that the engine puts into the root (hosts,
    /// resolv.conf, mount points) may remain in the layer's upper directory. When cancelled the processes are killed and the
    /// same holds before the call ends.
    /// </summary>
    /// <exception cref="FaultException">The container could not be made; the message says why. A program that is missing or not
    /// executable is exit code 127 or 126, with the reason as output.</exception>
    Task<StepResult> RunAsync(StepRequest request, IStepOutput output, CancellationToken cancellationToken);
}

/// <summary>One command to run.</summary>
public sealed record StepRequest
{
    /// <summary>64 hexadecimal characters, new for each step; also the writable layer's name.</summary>
    public required string Id { get; init; }

    /// <summary>The root. Not mounted when the call begins nor when it ends.</summary>
    public required WritableLayer Layer { get; init; }

    /// <summary>Program and arguments.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary><c>NAME=value</c>; the runner adds nothing but HOME and HOSTNAME where missing.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    /// <summary>Absolute; made if missing.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary><c>user[:group]</c> by name or number, to be looked up in the root; empty: root.</summary>
    public required string User { get; init; }

    /// <summary><c>default</c>, <c>none</c>, <c>host</c> or a network's name.</summary>
    public required string Network { get; init; }

    /// <summary>Lines for <c>/etc/hosts</c>, as <c>name:address</c>.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary>What is mounted, in this order.</summary>
    public IReadOnlyList<StepMount> Mounts { get; init; } = [];

    /// <summary>Limits.</summary>
    public StepLimits Limits { get; init; } = new();
}

/// <summary>One mount of a step.</summary>
/// <param name="Target">Where, absolute, inside; made if missing and taken away again afterwards.</param>
/// <param name="Source">The host's file or directory to bind; null: a tmpfs.</param>
/// <param name="ReadOnly">Refuse writes.</param>
/// <param name="SizeBytes">A tmpfs' size; null: no limit of its own.</param>
public sealed record StepMount(string Target, string? Source, bool ReadOnly, long? SizeBytes = null);

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">0 to 255; 128 + n for signal n.</param>
/// <param name="OutOfMemory">The kernel killed one of its processes for memory.</param>
public readonly record struct StepResult(int ExitCode, bool OutOfMemory = false);

/// <summary>Takes a command's output. Calls come one after the other.</summary>
public interface IStepOutput
{
    /// <summary>Takes bytes as they come; slow consumers hold the command back.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool isError, CancellationToken cancellationToken);
}
