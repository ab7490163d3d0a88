using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Faults;

namespace Berth.Network;

/// <summary>The networks on disk: one JSON file each, named by ID. A file is there before its bridge is and goes after it.</summary>
internal sealed class NetworkFiles(string directory)
{
    public IReadOnlyList<Network> Load()
    {
        Directory.CreateDirectory(directory);
        foreach (string half in Directory.EnumerateFiles(directory, "*.new"))
            File.Delete(half);
        List<Network> networks = [];
        foreach (string file in Directory.EnumerateFiles(directory, "*.json").Order(StringComparer.Ordinal))
        {
            try
            {
                networks.Add(JsonSerializer.Deserialize(File.ReadAllBytes(file), NetworkJson.Default.Network)
                    ?? throw new JsonException("the file is empty"));
            }
            catch (JsonException exception)
            {
                throw FaultException.Internal($"load networks: {file}: {exception.Message}", exception);
            }
        }
        return networks;
    }

    public void Save(Network network)
    {
        Directory.CreateDirectory(directory);
        string temporary = PathOf(network) + ".new";
        try
        {
            using (FileStream stream = File.Create(temporary))
            {
                JsonSerializer.Serialize(stream, network, NetworkJson.Default.Network);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, PathOf(network), overwrite: true);
        }
        catch (IOException refused)
        {
            File.Delete(temporary);
            throw FaultException.Unavailable($"create network {network.Name}: {refused.Message}", refused);
        }
    }

    public void Delete(Network network) => File.Delete(PathOf(network));

    private string PathOf(Network network) => Path.Combine(directory, network.Id + ".json");
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(Network))]
internal sealed partial class NetworkJson : JsonSerializerContext;
