using System.Buffers.Binary;
using Berth.Faults;

namespace Berth.Runtime.Bus;

/// <summary>What a message is. D-Bus specification, "Message format".</summary>
internal enum BusMessageKind : byte
{
    /// <summary>Asks for an answer.</summary>
    Call = 1,

    /// <summary>The answer.</summary>
    Return = 2,

    /// <summary>The refusal.</summary>
    Error = 3,

    /// <summary>Something has happened.</summary>
    Signal = 4,
}

/// <summary>One message, whole.</summary>
/// <remarks>D-Bus specification, "Message protocol". Both ways are little-endian: a bus is a matter of one machine.</remarks>
internal sealed record BusMessage
{
    /// <summary>What has to be read before a message's length is known.</summary>
    public const int FixedBytes = 16;

    /// <summary>The longest that is taken. The specification allows 128 MiB; the messages here have a few hundred bytes.</summary>
    public const int BytesMax = 1 << 20;

    private const byte LittleEndian = (byte)'l', Version = 1;
    private const byte PathField = 1, InterfaceField = 2, MemberField = 3, ErrorField = 4, ReplyField = 5, DestinationField = 6,
        SignatureField = 8;

    /// <summary>What it is.</summary>
    public required BusMessageKind Kind { get; init; }

    /// <summary>The sender's number for it, never 0.</summary>
    public uint Serial { get; init; }

    /// <summary>The call that it answers; 0: none.</summary>
    public uint ReplyTo { get; init; }

    /// <summary>The object.</summary>
    public string Path { get; init; } = "";

    /// <summary>The interface.</summary>
    public string Interface { get; init; } = "";

    /// <summary>The method or signal.</summary>
    public string Member { get; init; } = "";

    /// <summary>An error's name.</summary>
    public string ErrorName { get; init; } = "";

    /// <summary>Whom it is for; empty where there is no bus between.</summary>
    public string Destination { get; init; } = "";

    /// <summary>The values.</summary>
    public IReadOnlyList<BusValue> Body { get; init; } = [];

    /// <summary>The text of the first value, if it is one.</summary>
    public string FirstText => Body is [BusText text, ..] ? text.Text : "";

    /// <summary>The bytes to send.</summary>
    public byte[] ToBytes()
    {
        BusWriter body = new();
        foreach (BusValue value in Body)
            value.Write(body);
        BusWriter writer = new();
        writer.Bytes([LittleEndian, (byte)Kind, 0, Version]);
        writer.Number((uint)body.Length, 4);
        writer.Number(Serial, 4);
        BusWriter.ArrayMark fields = writer.BeginArray(8);
        Field(writer, PathField, new BusText("o", Path), Path.Length > 0);
        Field(writer, InterfaceField, BusValue.Of(Interface), Interface.Length > 0);
        Field(writer, MemberField, BusValue.Of(Member), Member.Length > 0);
        Field(writer, ErrorField, BusValue.Of(ErrorName), ErrorName.Length > 0);
        Field(writer, ReplyField, BusValue.Of(ReplyTo), ReplyTo > 0);
        Field(writer, DestinationField, BusValue.Of(Destination), Destination.Length > 0);
        string signature = string.Concat(Body.Select(static value => value.Signature));
        Field(writer, SignatureField, new BusText("g", signature), signature.Length > 0);
        writer.EndArray(fields);
        writer.Align(8);
        writer.Bytes(body.ToArray());
        return writer.ToArray();
    }

    private static void Field(BusWriter writer, byte code, BusValue value, bool isGiven)
    {
        if (!isGiven)
            return;
        writer.Align(8);
        writer.Number(code, 1);
        new BusVariant(value).Write(writer);
    }

    /// <summary>How long the message is whose first <see cref="FixedBytes"/> these are.</summary>
    /// <exception cref="FaultException">InvalidArgument: not a message's beginning, or it is too long.</exception>
    public static int LengthOf(ReadOnlySpan<byte> start)
    {
        if (start.Length < FixedBytes || start[0] != LittleEndian || start[3] != Version)
            throw FaultException.Invalid("D-Bus message: it has another byte order or version, or is none");
        ulong body = BinaryPrimitives.ReadUInt32LittleEndian(start[4..]);
        ulong fields = BinaryPrimitives.ReadUInt32LittleEndian(start[12..]);
        ulong length = ((FixedBytes + fields + 7) & ~7ul) + body;
        return length <= BytesMax ? (int)length
            : throw FaultException.Invalid($"D-Bus message: it has {length} bytes, at most {BytesMax} are taken");
    }

    /// <summary>Reads a message.</summary>
    /// <param name="bytes">All of it.</param>
    /// <exception cref="FaultException">InvalidArgument: it is none.</exception>
    public static BusMessage Parse(ReadOnlySpan<byte> bytes)
    {
        if (LengthOf(bytes) != bytes.Length)
            throw FaultException.Invalid("D-Bus message: it is cut short");
        BusReader reader = new(bytes);
        reader.Number(8);
        uint serial = (uint)reader.Number(4);
        BusArray fields = (BusArray)reader.Value("a(yv)");
        reader.Align(8);
        BusReader body = new(bytes[reader.Position..]);
        return new BusMessage
        {
            Kind = (BusMessageKind)bytes[1],
            Serial = serial,
            ReplyTo = FieldOf(fields, ReplyField) is BusNumber { Signature: "u" } number ? (uint)number.Bits : 0,
            Path = TextOf(fields, PathField),
            Interface = TextOf(fields, InterfaceField),
            Member = TextOf(fields, MemberField),
            ErrorName = TextOf(fields, ErrorField),
            Destination = TextOf(fields, DestinationField),
            Body = body.Values(TextOf(fields, SignatureField)),
        };
    }

    private static string TextOf(BusArray fields, byte code) => FieldOf(fields, code) is BusText text ? text.Text : "";

    private static BusValue? FieldOf(BusArray fields, byte code)
    {
        foreach (BusValue field in fields.Items)
        {
            if (field is BusTuple { Fields: [BusNumber number, BusVariant variant] } && number.Bits == code)
                return variant.Value;
        }
        return null;
    }
}
