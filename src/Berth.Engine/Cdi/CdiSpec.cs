using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Engine.Cdi;

/// <summary>A file that says what a container needs to use devices of one kind. CNCF Container Device Interface, SPEC.md 0.3 to 1.0.
/// </summary>
internal sealed record CdiSpec
{
    public string CdiVersion { get; init => field = value ?? ""; } = "";

    /// <summary><c>vendor/class</c>.</summary>
    public string Kind { get; init => field = value ?? ""; } = "";

    public IReadOnlyList<CdiDevice> Devices { get; init => field = value ?? []; } = [];

    /// <summary>For whichever of the devices is used, once.</summary>
    public CdiEdits? ContainerEdits { get; init; }
}

/// <summary>One device of a file.</summary>
internal sealed record CdiDevice
{
    public string Name { get; init => field = value ?? ""; } = "";
    public CdiEdits? ContainerEdits { get; init; }
}

/// <summary>Changes to a container's specification.</summary>
internal sealed record CdiEdits
{
    public IReadOnlyList<string>? Env { get; init; }
    public IReadOnlyList<CdiDeviceNode>? DeviceNodes { get; init; }
    public IReadOnlyList<CdiMount>? Mounts { get; init; }
    public IReadOnlyList<CdiHook>? Hooks { get; init; }
    public IReadOnlyList<uint>? AdditionalGids { get; init; }

    /// <summary>Read so that it can be refused.</summary>
    public JsonElement? IntelRdt { get; init; }

    /// <summary>Read so that they can be refused.</summary>
    public IReadOnlyList<JsonElement>? NetDevices { get; init; }
}

/// <summary>A node to make. What is left open is as on the host.</summary>
internal sealed record CdiDeviceNode
{
    public string Path { get; init => field = value ?? ""; } = "";
    public string? HostPath { get; init; }
    public string? Type { get; init; }
    public long? Major { get; init; }
    public long? Minor { get; init; }
    public uint? FileMode { get; init; }

    /// <summary>Of <c>r</c>, <c>w</c>, <c>m</c>; empty: all.</summary>
    public string? Permissions { get; init; }

    public uint? Uid { get; init; }
    public uint? Gid { get; init; }
}

/// <summary>A mount; without a type a bind mount.</summary>
internal sealed record CdiMount
{
    public string HostPath { get; init => field = value ?? ""; } = "";
    public string ContainerPath { get; init => field = value ?? ""; } = "";
    public string? Type { get; init; }
    public IReadOnlyList<string>? Options { get; init; }
}

/// <summary>A program that is run at a point of the lifecycle.</summary>
internal sealed record CdiHook
{
    public string HookName { get; init => field = value ?? ""; } = "";
    public string Path { get; init => field = value ?? ""; } = "";
    public IReadOnlyList<string>? Args { get; init; }
    public IReadOnlyList<string>? Env { get; init; }
    public int? Timeout { get; init; }
}

/// <summary>Text that a YAML file need not put into quotes: <c>name: 0</c>.</summary>
internal sealed class UnquotedTextConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False => Encoding.UTF8.GetString(reader.ValueSpan),
        _ => reader.GetString(),
    };

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true, Converters = [typeof(UnquotedTextConverter)])]
[JsonSerializable(typeof(CdiSpec))]
internal sealed partial class CdiJson : JsonSerializerContext;
