using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Network;

/// <summary>Writes InternetAddress as text; public so that documents of other projects can hold it.</summary>
public sealed class InternetAddressJsonConverter : JsonConverter<InternetAddress>
{
    /// <inheritdoc/>
    public override InternetAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        InternetAddress.TryParse(reader.GetString(), out InternetAddress address) ? address : throw new JsonException();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, InternetAddress value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary>Writes InternetSubnet as text; public so that documents of other projects can hold it.</summary>
public sealed class InternetSubnetJsonConverter : JsonConverter<InternetSubnet>
{
    /// <inheritdoc/>
    public override InternetSubnet Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        InternetSubnet.TryParse(reader.GetString(), out InternetSubnet subnet) ? subnet : throw new JsonException();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, InternetSubnet value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary>Writes MacAddress as text; public so that documents of other projects can hold it.</summary>
public sealed class MacAddressJsonConverter : JsonConverter<MacAddress>
{
    /// <inheritdoc/>
    public override MacAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        MacAddress.TryParse(reader.GetString(), out MacAddress address) ? address : throw new JsonException();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, MacAddress value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary>Writes IPAddress as text; public so that documents of other projects can hold it.</summary>
public sealed class IPAddressJsonConverter : JsonConverter<IPAddress>
{
    /// <inheritdoc/>
    public override IPAddress? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        IPAddress.TryParse(reader.GetString(), out IPAddress? address) ? address : throw new JsonException();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IPAddress value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary>Writes IPAddressList as text; public so that documents of other projects can hold it.</summary>
public sealed class IPAddressListJsonConverter : JsonConverter<IReadOnlyList<IPAddress>>
{
    /// <inheritdoc/>
    public override IReadOnlyList<IPAddress> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        List<IPAddress> addresses = [];
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            addresses.Add(IPAddress.TryParse(reader.GetString(), out IPAddress? address) ? address : throw new JsonException());
        return addresses;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IReadOnlyList<IPAddress> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (IPAddress address in value)
            writer.WriteStringValue(address.ToString());
        writer.WriteEndArray();
    }
}
