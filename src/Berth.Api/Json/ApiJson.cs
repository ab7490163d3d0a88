using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>The JSON of the Engine API: PascalCase as the records name it, read as leniently as Go reads it.</summary>
/// <remarks>
/// Names are matched without regard to case and null stands for zero, because the clients were written against a Go program.
/// A property that a record leaves null is written as null unless it is marked to be left out: the wire has both kinds, and
/// clients tell them apart.
/// </remarks>
[JsonSourceGenerationOptions(
    PropertyNameCaseInsensitive = true,
    MaxDepth = 32,
    Converters =
    [
        typeof(GoTimeConverter), typeof(BooleanConverter), typeof(Int32Converter), typeof(Int64Converter),
        typeof(UInt16Converter),
    ])]
[JsonSerializable(typeof(CreateContainerRequest))]
[JsonSerializable(typeof(CreateContainerResponse))]
[JsonSerializable(typeof(ContainerInspect))]
[JsonSerializable(typeof(WaitResponse))]
[JsonSerializable(typeof(TopResponse))]
[JsonSerializable(typeof(UpdateContainerRequest))]
[JsonSerializable(typeof(UpdateContainerResponse))]
[JsonSerializable(typeof(ContainersPruneResponse))]
[JsonSerializable(typeof(PathStat))]
[JsonSerializable(typeof(IdResponse))]
[JsonSerializable(typeof(ExecCreateRequest))]
[JsonSerializable(typeof(ExecStartRequest))]
[JsonSerializable(typeof(ExecInspect))]
[JsonSerializable(typeof(ContainerStatistics))]
[JsonSerializable(typeof(NetworkInspect))]
[JsonSerializable(typeof(CreateNetworkRequest))]
[JsonSerializable(typeof(CreateNetworkResponse))]
[JsonSerializable(typeof(ConnectNetworkRequest))]
[JsonSerializable(typeof(DisconnectNetworkRequest))]
[JsonSerializable(typeof(NetworksPruneResponse))]
[JsonSerializable(typeof(Volume))]
[JsonSerializable(typeof(VolumeList))]
[JsonSerializable(typeof(CreateVolumeRequest))]
[JsonSerializable(typeof(VolumesPruneResponse))]
[JsonSerializable(typeof(ImageInspect))]
[JsonSerializable(typeof(ImagesPruneResponse))]
[JsonSerializable(typeof(BuildPruneResponse))]
[JsonSerializable(typeof(DistributionInspect))]
[JsonSerializable(typeof(ProgressMessage))]
[JsonSerializable(typeof(BuildResult))]
[JsonSerializable(typeof(PushResult))]
[JsonSerializable(typeof(EventMessage))]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(RegistryAuth))]
[JsonSerializable(typeof(AuthResponse))]
[JsonSerializable(typeof(VersionResponse))]
[JsonSerializable(typeof(DiskUsage))]
[JsonSerializable(typeof(SystemInfo))]
[JsonSerializable(typeof(ContainerConfig))]
[JsonSerializable(typeof(HostConfig))]
[JsonSerializable(typeof(ImageConfig))]
[JsonSerializable(typeof(EndpointSettings))]
[JsonSerializable(typeof(HealthConfig))]
[JsonSerializable(typeof(Mount))]
[JsonSerializable(typeof(ContainerSummary))]
[JsonSerializable(typeof(ImageSummary))]
[JsonSerializable(typeof(ImagePlatform))]
[JsonSerializable(typeof(IReadOnlyList<ContainerSummary>), TypeInfoPropertyName = "ContainerSummaryList")]
[JsonSerializable(typeof(IReadOnlyList<ImageSummary>), TypeInfoPropertyName = "ImageSummaryList")]
[JsonSerializable(typeof(IReadOnlyList<ImageHistoryItem>), TypeInfoPropertyName = "ImageHistoryItemList")]
[JsonSerializable(typeof(IReadOnlyList<ImageDeleteItem>), TypeInfoPropertyName = "ImageDeleteItemList")]
[JsonSerializable(typeof(IReadOnlyList<ImageSearchResult>), TypeInfoPropertyName = "ImageSearchResultList")]
[JsonSerializable(typeof(IReadOnlyList<NetworkInspect>), TypeInfoPropertyName = "NetworkInspectList")]
[JsonSerializable(typeof(IReadOnlyList<FilesystemChange>), TypeInfoPropertyName = "FilesystemChangeList")]
[JsonSerializable(typeof(IReadOnlyList<Ulimit>), TypeInfoPropertyName = "UlimitList")]
[JsonSerializable(typeof(IReadOnlyList<string>), TypeInfoPropertyName = "StringList")]
[JsonSerializable(typeof(IReadOnlyList<BuildOutput>), TypeInfoPropertyName = "BuildOutputList")]
[JsonSerializable(typeof(Dictionary<string, string?>), TypeInfoPropertyName = "StringMap")]
[JsonSerializable(typeof(Dictionary<string, string[]>), TypeInfoPropertyName = "FilterLists")]
[JsonSerializable(typeof(Dictionary<string, Dictionary<string, bool>>), TypeInfoPropertyName = "FilterMaps")]
[JsonSerializable(typeof(Dictionary<string, RegistryAuth>), TypeInfoPropertyName = "RegistryAuths")]
public sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>The context to use: text goes out as UTF-8 and only what JSON demands is escaped.</summary>
    public static ApiJson Wire => Contexts.Wire;

    /// <summary>The same with line breaks and indentation, for people.</summary>
    public static ApiJson Indented => Contexts.Indented;

    // A class of its own: the order in which the parts of a partial class are initialised is not defined.
    private static class Contexts
    {
        internal static readonly ApiJson Wire = new(new JsonSerializerOptions(Default.Options)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        });

        internal static readonly ApiJson Indented = new(new JsonSerializerOptions(Wire.Options)
        {
            WriteIndented = true,
            IndentSize = 4,
        });
    }
}
