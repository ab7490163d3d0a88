using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>All about one container: <c>GET /containers/{id}/json</c>.</summary>
public sealed record ContainerInspect
{
    /// <summary>The 64-character ID.</summary>
    public string Id { get; set => field = value ?? ""; } = "";

    /// <summary>When it was created, RFC 3339.</summary>
    public string Created { get; set => field = value ?? ""; } = "";

    /// <summary>The program of its first process.</summary>
    public string Path { get; set => field = value ?? ""; } = "";

    /// <summary>That program's arguments.</summary>
    public IReadOnlyList<string> Args { get; set; } = [];

    /// <summary>What it is doing.</summary>
    public ContainerState? State { get; set; }

    /// <summary>The image's ID.</summary>
    public string Image { get; set => field = value ?? ""; } = "";

    /// <summary>Its <c>/etc/resolv.conf</c> on the host.</summary>
    public string ResolvConfPath { get; set => field = value ?? ""; } = "";

    /// <summary>Its <c>/etc/hostname</c> on the host.</summary>
    public string HostnamePath { get; set => field = value ?? ""; } = "";

    /// <summary>Its <c>/etc/hosts</c> on the host.</summary>
    public string HostsPath { get; set => field = value ?? ""; } = "";

    /// <summary>Its log on the host; empty when the driver keeps no file.</summary>
    public string LogPath { get; set => field = value ?? ""; } = "";

    /// <summary>Its name with a leading slash.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>How often its policy restarted it.</summary>
    public int RestartCount { get; set; }

    /// <summary>The storage driver.</summary>
    public string Driver { get; set => field = value ?? ""; } = "";

    /// <summary><c>linux</c>.</summary>
    public string Platform { get; set => field = value ?? ""; } = "";

    /// <summary>SELinux label of its mounts.</summary>
    public string MountLabel { get; set => field = value ?? ""; } = "";

    /// <summary>SELinux label of its processes.</summary>
    public string ProcessLabel { get; set => field = value ?? ""; } = "";

    /// <summary>Its AppArmor profile.</summary>
    public string AppArmorProfile { get; set => field = value ?? ""; } = "";

    /// <summary>Its running execs; null when there are none.</summary>
    public IReadOnlyList<string>? ExecIDs { get; set; }

    /// <summary>How it runs on this machine.</summary>
    public HostConfig? HostConfig { get; set; }

    /// <summary>Where its layers are.</summary>
    public DriverData GraphDriver { get; set; } = new();

    /// <summary>Bytes written by it; only when asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SizeRw { get; set; }

    /// <summary>Bytes of its whole root; only when asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SizeRootFs { get; set; }

    /// <summary>Its mounts.</summary>
    public IReadOnlyList<MountPoint> Mounts { get; set; } = [];

    /// <summary>What it is.</summary>
    public ContainerConfig? Config { get; set; }

    /// <summary>Its networks.</summary>
    public NetworkSettings? NetworkSettings { get; set; }

    /// <summary>The hardware address that was asked for on its main network; shown in <see cref="Config"/> before API 1.44.</summary>
    [JsonIgnore]
    public string? DesiredMac { get; set; }
}

/// <summary>What a container is doing.</summary>
public sealed record ContainerState
{
    /// <summary><c>created</c>, <c>running</c>, <c>paused</c>, <c>restarting</c>, <c>removing</c>, <c>exited</c>,
    /// <c>dead</c>.</summary>
    public string Status { get; set => field = value ?? ""; } = "";

    /// <summary>It runs; also true while paused.</summary>
    public bool Running { get; set; }

    /// <summary>It is frozen.</summary>
    public bool Paused { get; set; }

    /// <summary>Its policy is about to start it again.</summary>
    public bool Restarting { get; set; }

    /// <summary>A process of it was killed for memory.</summary>
    public bool OOMKilled { get; set; }

    /// <summary>Its removal failed half-way.</summary>
    public bool Dead { get; set; }

    /// <summary>Its first process as the host sees it; 0 when it does not run.</summary>
    public int Pid { get; set; }

    /// <summary>How it ended.</summary>
    public int ExitCode { get; set; }

    /// <summary>Why it could not start.</summary>
    public string Error { get; set => field = value ?? ""; } = "";

    /// <summary>When it was last started; <c>0001-01-01T00:00:00Z</c>: never.</summary>
    public string StartedAt { get; set => field = value ?? ""; } = "";

    /// <summary>When it last ended; <c>0001-01-01T00:00:00Z</c>: never.</summary>
    public string FinishedAt { get; set => field = value ?? ""; } = "";

    /// <summary>Its health, where that is checked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Health? Health { get; set; }
}

/// <summary>The health of a container.</summary>
public sealed record Health
{
    /// <summary><c>starting</c>, <c>healthy</c>, <c>unhealthy</c>, <c>none</c>.</summary>
    public string Status { get; set => field = value ?? ""; } = "";

    /// <summary>Failures in a row.</summary>
    public int FailingStreak { get; set; }

    /// <summary>The last five checks.</summary>
    public IReadOnlyList<HealthcheckResult> Log { get; set; } = [];
}

/// <summary>One health check.</summary>
public sealed record HealthcheckResult
{
    /// <summary>When it began.</summary>
    public DateTimeOffset Start { get; set; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset End { get; set; }

    /// <summary>0 healthy, 1 unhealthy.</summary>
    public int ExitCode { get; set; }

    /// <summary>The first 4,096 bytes of its output.</summary>
    public string Output { get; set => field = value ?? ""; } = "";
}

/// <summary>Where a storage driver keeps the layers.</summary>
public sealed record DriverData
{
    /// <summary>Directories by what they are for.</summary>
    public IReadOnlyDictionary<string, string>? Data { get; set; }

    /// <summary>The driver.</summary>
    public string Name { get; set => field = value ?? ""; } = "";
}
