using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Network;

internal sealed class IPv4AddressJsonConverter : JsonConverter<IPv4Address>
{
    public override IPv4Address Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        IPv4Address.TryParse(reader.GetString(), out IPv4Address address) ? address : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, IPv4Address value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

internal sealed class IPv4SubnetJsonConverter : JsonConverter<IPv4Subnet>
{
    public override IPv4Subnet Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        IPv4Subnet.TryParse(reader.GetString(), out IPv4Subnet subnet) ? subnet : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, IPv4Subnet value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

internal sealed class MacAddressJsonConverter : JsonConverter<MacAddress>
{
    public override MacAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        MacAddress.TryParse(reader.GetString(), out MacAddress address) ? address : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, MacAddress value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

internal sealed class IPAddressJsonConverter : JsonConverter<IPAddress>
{
    public override IPAddress? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        IPAddress.TryParse(reader.GetString(), out IPAddress? address) ? address : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, IPAddress value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

internal sealed class IPAddressListJsonConverter : JsonConverter<IReadOnlyList<IPAddress>>
{
    public override IReadOnlyList<IPAddress> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        List<IPAddress> addresses = [];
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            addresses.Add(IPAddress.TryParse(reader.GetString(), out IPAddress? address) ? address : throw new JsonException());
        return addresses;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<IPAddress> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (IPAddress address in value)
            writer.WriteStringValue(address.ToString());
        writer.WriteEndArray();
    }
}
