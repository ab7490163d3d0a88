using System.Text.Json;
using System.Text.Json.Nodes;
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
                networks.Add(Read(File.ReadAllBytes(file)));
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

    /// <summary>Reads a network, also as it was written before networks had IPv6: its addresses stood beside its name.</summary>
    internal static Network Read(byte[] text)
    {
        if (JsonNode.Parse(text) is not JsonObject stored)
            throw new JsonException("the file is empty");
        if (stored["Subnet"] is JsonValue)
        {
            JsonObject plan = new() { [nameof(AddressPlan.IsRequested)] = stored["SubnetRequested"]?.DeepClone() ?? false };
            foreach (string name in (string[])["Subnet", "Gateway", "IPRange", "AuxiliaryAddresses"])
            {
                if (stored[name] is { } value)
                    plan[name] = value.DeepClone();
            }
            stored[nameof(Network.IPv4)] = plan;
        }
        return stored.Deserialize(NetworkJson.Default.Network) ?? throw new JsonException("the file is empty");
    }

    private string PathOf(Network network) => Path.Combine(directory, network.Id + ".json");
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(Network))]
internal sealed partial class NetworkJson : JsonSerializerContext;
