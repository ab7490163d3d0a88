using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>The body of <c>POST /containers/create</c>.</summary>
public sealed record CreateContainerRequest : ContainerConfig
{
    /// <summary>How it runs on this machine.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HostConfig? HostConfig { get; set; }

    /// <summary>The networks it is connected to from the start.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NetworkingConfig? NetworkingConfig { get; set; }
}

/// <summary>Networks to connect to, by name; <c>default</c> is the default bridge.</summary>
public sealed record NetworkingConfig
{
    /// <summary>The connection to each.</summary>
    public IReadOnlyDictionary<string, EndpointSettings?>? EndpointsConfig { get; set; }
}

/// <summary>The answer of <c>POST /containers/create</c>.</summary>
public sealed record CreateContainerResponse
{
    /// <summary>The new container's ID.</summary>
    public string Id { get; set => field = value ?? ""; } = "";

    /// <summary>What was changed or ignored of the request.</summary>
    public IReadOnlyList<string> Warnings { get; set; } = [];
}
