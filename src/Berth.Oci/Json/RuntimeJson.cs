using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Oci.Json;

/// <summary>Reads and writes runtime configurations and their parts.</summary>
/// <remarks>Read by <see cref="FieldReader"/>, because a runtime does it each time it starts; written by the serializer.</remarks>
public static class RuntimeJson
{
    private static readonly RuntimeJsonContext s_context = new(new JsonSerializerOptions(RuntimeJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = OciJson.DepthMax,
    });

    /// <summary>Writes configurations.</summary>
    public static JsonTypeInfo<RuntimeSpec> Spec => s_context.RuntimeSpec;

    /// <summary>Writes processes.</summary>
    public static JsonTypeInfo<ProcessSpec> Process => s_context.ProcessSpec;

    /// <summary>Writes limits.</summary>
    public static JsonTypeInfo<LinuxResources> Resources => s_context.LinuxResources;

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="FaultException">InvalidArgument: see <see cref="FieldReader.Read"/>.</exception>
    public static RuntimeSpec ReadSpec(ReadOnlySpan<byte> document, string what) =>
        FieldReader.Read(document, static (scoped ref json) => new RuntimeSpec(ref json), what);

    /// <summary>Reads a process.</summary>
    /// <exception cref="FaultException">InvalidArgument: see <see cref="FieldReader.Read"/>.</exception>
    public static ProcessSpec ReadProcess(ReadOnlySpan<byte> document, string what) =>
        FieldReader.Read(document, static (scoped ref json) => new ProcessSpec(ref json), what);

    /// <summary>Reads limits.</summary>
    /// <exception cref="FaultException">InvalidArgument: see <see cref="FieldReader.Read"/>.</exception>
    public static LinuxResources ReadResources(ReadOnlySpan<byte> document, string what) =>
        FieldReader.Read(document, static (scoped ref json) => new LinuxResources(ref json), what);

    /// <summary>The field's list of hooks; null for null.</summary>
    public static List<HookSpec>? ReadHooks(scoped ref FieldReader json) =>
        json.Items(static (scoped ref json) => new HookSpec(ref json));

    /// <summary>Writes a field with a list of hooks; none for null.</summary>
    public static void WriteHooks(FieldWriter json, string name, IReadOnlyList<HookSpec>? hooks)
    {
        if (hooks is null)
            return;
        json.BeginList(name);
        foreach (HookSpec hook in hooks)
        {
            json.Begin().Text("path", hook.Path).Texts("args", hook.Args).Texts("env", hook.Env);
            if (hook.Timeout is { } seconds)
                json.Number("timeout", seconds);
            json.End();
        }
        json.EndList();
    }
}

/// <summary>The generated writer of runtime configurations; use <see cref="RuntimeJson"/>.</summary>
[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RuntimeSpec))]
internal sealed partial class RuntimeJsonContext : JsonSerializerContext;
