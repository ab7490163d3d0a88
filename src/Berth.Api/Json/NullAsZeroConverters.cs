using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>A value whose <c>null</c> means its zero, as in every Go program that reads this API.</summary>
/// <remarks>Libraries do send <c>"Tty": null</c>; refusing it would refuse containers that Docker accepts.</remarks>
public abstract class NullAsZeroConverter<T> : JsonConverter<T> where T : struct
{
    /// <inheritdoc/>
    public override bool HandleNull => true;

    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.Null ? default : ReadValue(ref reader);

    /// <summary>Reads a value that is not null.</summary>
    protected abstract T ReadValue(ref Utf8JsonReader reader);
}

/// <summary>Booleans; null is false.</summary>
public sealed class BooleanConverter : NullAsZeroConverter<bool>
{
    /// <inheritdoc/>
    protected override bool ReadValue(ref Utf8JsonReader reader) => reader.GetBoolean();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, bool value, JsonSerializerOptions options) =>
        writer.WriteBooleanValue(value);
}

/// <summary>32-bit integers; null is zero.</summary>
public sealed class Int32Converter : NullAsZeroConverter<int>
{
    /// <inheritdoc/>
    protected override int ReadValue(ref Utf8JsonReader reader) => reader.GetInt32();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value);
}

/// <summary>64-bit integers; null is zero.</summary>
public sealed class Int64Converter : NullAsZeroConverter<long>
{
    /// <inheritdoc/>
    protected override long ReadValue(ref Utf8JsonReader reader) => reader.GetInt64();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value);
}

/// <summary>16-bit unsigned integers; null is zero.</summary>
public sealed class UInt16Converter : NullAsZeroConverter<ushort>
{
    /// <inheritdoc/>
    protected override ushort ReadValue(ref Utf8JsonReader reader) => reader.GetUInt16();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ushort value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value);
}
