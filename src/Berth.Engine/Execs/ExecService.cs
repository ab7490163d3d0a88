using System.Collections.Concurrent;
using System.Globalization;
using Berth.Engine.Specs;
using Berth.Engine.State;
using Berth.Engine.Users;
using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime;

namespace Berth.Engine;

/// <inheritdoc cref="IExecs"/>
internal sealed class ExecService : IExecs
{
    private const int KeptMax = 1000;
    private readonly EngineParts _parts;
    private long _created;
    private readonly ConcurrentDictionary<string, Exec> _execs = new(StringComparer.Ordinal);

    public ExecService(EngineParts parts, ContainerService containers, HealthMonitor health)
    {
        _parts = parts;
        containers.ExecsOf = id =>
            [.. _execs.Values.Where(exec => exec.Container.Id == id && exec.ExitCode is null).Select(exec => exec.Id)];
        health.MakeProcess = (container, command) =>
            MakeProcess(container, new ExecSettings { Cmd = command, AttachStdout = true, AttachStderr = true }, parts);
    }

    public Task<string> CreateAsync(string container, ExecSettings settings, CancellationToken cancellationToken)
    {
        Container found = _parts.Containers.Find(container);
        CheckRuns(found);
        if (settings.Cmd.Count == 0)
            throw FaultException.Invalid("No exec command specified");
        if (settings.DetachKeys is { Length: > 0 })
            _ = DetachKeys.Parse(settings.DetachKeys);
        Exec exec = new(RandomIds.Next(), found, settings) { Number = Interlocked.Increment(ref _created) };
        _execs[exec.Id] = exec;
        ForgetOld();
        Publish(exec, $"exec_create: {string.Join(' ', settings.Cmd)}");
        return Task.FromResult(exec.Id);
    }

    public async Task<IAttachment?> StartAsync(string id, ExecStart start, CancellationToken cancellationToken)
    {
        Exec exec = Find(id);
        IContainer running = CheckRuns(exec.Container);
        if (!exec.TryBegin())
            throw FaultException.Conflict($"exec instance {id} was started already");
        try
        {
            ExecSettings settings = exec.Settings with { ConsoleSize = start.ConsoleSize is { Rows: > 0 }
                ? start.ConsoleSize : exec.Settings.ConsoleSize };
            ExecRequest request = new()
            {
                Id = exec.Id,
                Process = MakeProcess(exec.Container, settings, _parts),
                Stdin = settings.AttachStdin && !start.Detach,
                Detached = start.Detach,
            };
            Publish(exec, $"exec_start: {string.Join(' ', settings.Cmd)}");
            IExecProcess process = await ContainerService.OfRunningAsync(
                exec.Container, running, () => running.ExecAsync(request, cancellationToken));
            (exec.Process, exec.Pid) = (process, process.Pid);
            Attachment? attachment = start.Detach || process.Streams is null ? null : Attach(exec, process);
            WatchExit(exec, process, attachment?.Closed ?? Task.CompletedTask);
            return attachment;
        }
        catch (FaultException fault)
        {
            exec.ExitCode = fault.Kind switch { FaultKind.NotFound => 127, FaultKind.Forbidden => 126, _ => 128 };
            exec.Ended.TrySetResult();
            throw fault.Kind is FaultKind.NotFound or FaultKind.Forbidden
                ? FaultException.Invalid(ExecText(fault.Message), fault) : fault;
        }
    }

    public Task WaitAsync(string id, CancellationToken cancellationToken) => Find(id).Ended.Task.WaitAsync(cancellationToken);

    public ExecDetails Inspect(string id)
    {
        Exec exec = Find(id);
        bool isRunning = exec.Pid != 0 && exec.ExitCode is null;
        return new ExecDetails(
            exec.Id, exec.Container.Id, exec.Settings, isRunning, exec.ExitCode, exec.Pid, exec.ExitCode is not null);
    }

    public async Task ResizeAsync(string id, int rows, int columns, CancellationToken cancellationToken)
    {
        Exec exec = Find(id);
        if (exec.Process is not { } process || exec.ExitCode is not null)
            throw FaultException.Conflict($"exec process {id} is not running");
        await process.ResizeAsync(rows, columns, cancellationToken);
    }

    /// <summary>The process of an exec: the container's own environment, user and confinement, with what the request changes.</summary>
    internal static ProcessSpec MakeProcess(
        Container container, ExecSettings settings, EngineParts parts)
    {
        EngineOptions options = parts.Options;
        ContainerRecord record = container.Record;
        HostSettings host = record.Host;
        UserDatabase users;
        using (ContainerRoot root = ContainerRoot.OfProcess(container.Runtime!, record.UserMaps))
            users = root.ReadUsers();
        (UserSpec user, string home) = users.Resolve(
            string.IsNullOrEmpty(settings.User) ? record.Config.User ?? "" : settings.User, host.GroupAdd ?? []);
        IReadOnlyList<string> capabilities =
            Capabilities.Resolve(host.Privileged || settings.Privileged, host.CapAdd ?? [], host.CapDrop ?? []);
        SecurityOptions security = SecurityOptions.Parse(host.SecurityOpt ?? [], options);
        return new ProcessSpec
        {
            Terminal = settings.Tty,
            ConsoleSize = settings.ConsoleSize is { Rows: > 0, Columns: > 0 } size
                ? new ConsoleSize { Height = (uint)size.Rows, Width = (uint)size.Columns } : null,
            User = user,
            Args = settings.Cmd,
            Env = SpecBuilder.Environment(MergeSettings.Environment(settings.Env, record.Config.Env ?? []),
                LinkVariables.Of(record, parts.Containers), record.Config.Hostname ?? record.Id[..12], home, settings.Tty),
            Cwd = !string.IsNullOrEmpty(settings.WorkingDir) ? settings.WorkingDir
                : string.IsNullOrEmpty(record.Config.WorkingDir) ? "/" : record.Config.WorkingDir,
            Capabilities = SpecBuilder.CapabilitySets(capabilities, user.Uid),
            Rlimits = SpecBuilder.Rlimits(host.Resources.Ulimits ?? [], options.DefaultUlimits),
            NoNewPrivileges = security.NoNewPrivileges,
            ApparmorProfile = security.AppArmorForExec(settings.Privileged, AppArmor.IsEnabled
                ? AppArmor.ProfileOf(container.Runtime!.Pid.ToString(CultureInfo.InvariantCulture)) : null),
            OomScoreAdj = host.OomScoreAdj,
        };
    }

    private Attachment Attach(Exec exec, IExecProcess process)
    {
        ExecSettings settings = exec.Settings;
        AttachRequest request = new()
        {
            Stdin = settings.AttachStdin, Stdout = settings.AttachStdout || settings.Tty, Stderr =
                settings.AttachStderr, Stream = true, DetachKeys = settings.DetachKeys,
        };
        Attachment attachment = new(request, settings.Tty, null) { Detaching = () => Publish(exec, "exec_detach") };
        attachment.Connect(process.Streams!);
        return attachment;
    }

    private void WatchExit(Exec exec, IExecProcess process, Task readerGone) =>
        _parts.Background.Run($"watch exec {exec.Id[..12]}", async () =>
        {
            exec.ExitCode = await process.Exited.WaitAsync(_parts.Closing.Token);
            exec.Ended.TrySetResult();
            Publish(exec, "exec_die", ("exitCode", exec.ExitCode.ToString()!));
            // What it wrote last may still be read; the reader's going ends that.
            await readerGone.WaitAsync(_parts.Closing.Token);
            await process.DisposeAsync();
            // Its streams and their buffers go; what inspect tells is kept.
            exec.Process = null;
        });

    private void Publish(Exec exec, string action, params ReadOnlySpan<(string Key, string Value)> extra)
    {
        (string, string)[] all = [("execID", exec.Id), .. extra];
        ContainerService.PublishOf(_parts, exec.Container.Record, action, all);
    }

    private Exec Find(string id) => _execs.TryGetValue(id, out Exec? exec) && !exec.Container.Removed.Task.IsCompleted
        ? exec : throw FaultException.NotFound($"No such exec instance: {(id.Length > 100 ? id[..100] : id)}");

    private static IContainer CheckRuns(Container container) => container.State.Status switch
    {
        ContainerStatus.Paused => throw FaultException.Conflict($"container {container.Id} is paused, unpause the container before exec"),
        ContainerStatus.Restarting =>
            throw FaultException.Conflict($"Container {container.Id} is restarting, wait until the container is running"),
        _ => container.Runtime ?? throw FaultException.Conflict($"container {container.Id} is not running"),
    };

    // The oldest that do not run: ended ones, and those that were made and never started.
    private void ForgetOld()
    {
        if (_execs.Count <= KeptMax)
            return;
        foreach (Exec gone in _execs.Values.Where(exec => exec.Container.Removed.Task.IsCompleted))
            _execs.TryRemove(gone.Id, out _);
        foreach (Exec old in _execs.Values.Where(exec => exec.ExitCode is not null || !exec.HasBegun)
            .OrderBy(exec => exec.Number).Take(Math.Max(0, _execs.Count - (KeptMax / 2))))
            _execs.TryRemove(old.Id, out _);
    }

    private static string ExecText(string message) => message.StartsWith("OCI runtime", StringComparison.Ordinal) ? message
        : $"OCI runtime exec failed: exec failed: unable to start container process: {message}{(message.EndsWith(": unknown", StringComparison.Ordinal) ? "" : ": unknown")}";

    private sealed class Exec(string id, Container container, ExecSettings settings)
    {
        private int _begun;

        public string Id => id;

        public Container Container => container;

        public ExecSettings Settings => settings;

        /// <summary>The order in which they were made.</summary>
        public required long Number { get; init; }

        public IExecProcess? Process { get; set; }

        /// <summary>That of its process; 0 before there is one.</summary>
        public int Pid { get; set; }

        public bool HasBegun => Volatile.Read(ref _begun) != 0;

        public int? ExitCode { get; set; }

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool TryBegin() => Interlocked.Exchange(ref _begun, 1) == 0;
    }
}
