using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>What a container is, whichever machine it runs on: the portable half of its creation.</summary>
/// <remarks>Engine API "ContainerConfig". It is also what an image remembers and what <c>inspect</c> shows as
/// <c>Config</c>.</remarks>
public record ContainerConfig
{
    /// <summary>The host name inside.</summary>
    public string Hostname { get; set => field = value ?? ""; } = "";

    /// <summary>The domain name inside.</summary>
    public string Domainname { get; set => field = value ?? ""; } = "";

    /// <summary><c>user[:group]</c> by name or number; empty takes the image's.</summary>
    public string User { get; set => field = value ?? ""; } = "";

    /// <summary>The creator is going to attach to standard input.</summary>
    public bool AttachStdin { get; set; }

    /// <summary>The creator is going to attach to standard output.</summary>
    public bool AttachStdout { get; set; }

    /// <summary>The creator is going to attach to standard error.</summary>
    public bool AttachStderr { get; set; }

    /// <summary>Ports it listens on, as <c>port/protocol</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, Empty>? ExposedPorts { get; set; }

    /// <summary>Its standard streams are a terminal.</summary>
    public bool Tty { get; set; }

    /// <summary>Its standard input is kept open for those who attach.</summary>
    public bool OpenStdin { get; set; }

    /// <summary>Its standard input ends when the first client that attached to it goes.</summary>
    public bool StdinOnce { get; set; }

    /// <summary>The environment as <c>NAME=value</c>; a bare <c>NAME</c> removes the image's.</summary>
    public IReadOnlyList<string>? Env { get; set; }

    /// <summary>The command, or the entrypoint's arguments; null takes the image's.</summary>
    [JsonConverter(typeof(StringOrListConverter))]
    public IReadOnlyList<string>? Cmd { get; set; }

    /// <summary>How its health is checked; null takes the image's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HealthConfig? Healthcheck { get; set; }

    /// <summary>Windows only: the command is escaped already.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ArgsEscaped { get; set; }

    /// <summary>The image, as the user named it.</summary>
    public string Image { get; set => field = value ?? ""; } = "";

    /// <summary>Places that get an anonymous volume each.</summary>
    public IReadOnlyDictionary<string, Empty>? Volumes { get; set; }

    /// <summary>The directory the command starts in; empty takes the image's.</summary>
    public string WorkingDir { get; set => field = value ?? ""; } = "";

    /// <summary>What is run; null takes the image's, one empty string clears it.</summary>
    [JsonConverter(typeof(StringOrListConverter))]
    public IReadOnlyList<string>? Entrypoint { get; set; }

    /// <summary>It gets no network at all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NetworkDisabled { get; set; }

    /// <summary>The MAC address of its first network; deprecated since API 1.44.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MacAddress { get; set; }

    /// <summary>Instructions that run in a build from the image.</summary>
    public IReadOnlyList<string>? OnBuild { get; set; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; set; }

    /// <summary>The signal that asks it to stop, by name or number.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StopSignal { get; set; }

    /// <summary>Seconds between that signal and SIGKILL; -1 waits for ever.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? StopTimeout { get; set; }

    /// <summary>The shell of shell-form instructions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Shell { get; set; }
}
