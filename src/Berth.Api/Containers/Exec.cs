using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>The body of <c>POST /containers/{id}/exec</c>.</summary>
public sealed record ExecCreateRequest
{
    /// <summary><c>user[:group]</c>; empty takes the container's.</summary>
    public string User { get; set => field = value ?? ""; } = "";

    /// <summary>With all capabilities.</summary>
    public bool Privileged { get; set; }

    /// <summary>With a terminal.</summary>
    public bool Tty { get; set; }

    /// <summary>Rows and columns of the terminal at the start.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<uint>? ConsoleSize { get; set; }

    /// <summary>Its standard input will be attached to.</summary>
    public bool AttachStdin { get; set; }

    /// <summary>Its standard error will be attached to.</summary>
    public bool AttachStderr { get; set; }

    /// <summary>Its standard output will be attached to.</summary>
    public bool AttachStdout { get; set; }

    /// <summary>Ignored; the one of the start counts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Detach { get; set; }

    /// <summary>The key sequence that detaches.</summary>
    public string DetachKeys { get; set => field = value ?? ""; } = "";

    /// <summary>Variables beside the container's.</summary>
    public IReadOnlyList<string>? Env { get; set; }

    /// <summary>The directory; empty takes the container's.</summary>
    public string WorkingDir { get; set => field = value ?? ""; } = "";

    /// <summary>The program and its arguments.</summary>
    public IReadOnlyList<string>? Cmd { get; set; }
}

/// <summary>The body of <c>POST /exec/{id}/start</c>.</summary>
public sealed record ExecStartRequest
{
    /// <summary>Do not attach.</summary>
    public bool Detach { get; set; }

    /// <summary>With a terminal; must be as it was created.</summary>
    public bool Tty { get; set; }

    /// <summary>Rows and columns of the terminal at the start.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<uint>? ConsoleSize { get; set; }
}

/// <summary>The answer of <c>GET /exec/{id}/json</c>.</summary>
public sealed record ExecInspect
{
    /// <summary>The exec's ID.</summary>
    public string ID { get; set => field = value ?? ""; } = "";

    /// <summary>It runs.</summary>
    public bool Running { get; set; }

    /// <summary>How it ended; null while it runs.</summary>
    public int? ExitCode { get; set; }

    /// <summary>What is run.</summary>
    public ExecProcessConfig? ProcessConfig { get; set; }

    /// <summary>Its standard input is attached to.</summary>
    public bool OpenStdin { get; set; }

    /// <summary>Its standard error is attached to.</summary>
    public bool OpenStderr { get; set; }

    /// <summary>Its standard output is attached to.</summary>
    public bool OpenStdout { get; set; }

    /// <summary>It ended and may be forgotten.</summary>
    public bool CanRemove { get; set; }

    /// <summary>The container.</summary>
    public string ContainerID { get; set => field = value ?? ""; } = "";

    /// <summary>The key sequence that detaches, base64 of its bytes.</summary>
    public string DetachKeys { get; set => field = value ?? ""; } = "";

    /// <summary>The process as the host sees it; 0 when it does not run.</summary>
    public int Pid { get; set; }
}

/// <summary>What an exec runs.</summary>
public sealed record ExecProcessConfig
{
    /// <summary>With a terminal.</summary>
    [JsonPropertyName("tty")]
    public bool Tty { get; set; }

    /// <summary>The program.</summary>
    [JsonPropertyName("entrypoint")]
    public string Entrypoint { get; set => field = value ?? ""; } = "";

    /// <summary>Its arguments.</summary>
    [JsonPropertyName("arguments")]
    public IReadOnlyList<string> Arguments { get; set; } = [];

    /// <summary>With all capabilities.</summary>
    [JsonPropertyName("privileged")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Privileged { get; set; }

    /// <summary>The user.</summary>
    [JsonPropertyName("user")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? User { get; set; }
}
