using System.Globalization;

namespace Berth.Runtime.Bus;

/// <summary>A value with its type, as a variant carries it.</summary>
/// <remarks>D-Bus specification, "Type system". The text form is GVariant's, as <c>systemctl</c> and <c>busctl</c> write it.</remarks>
internal abstract record BusValue(string Signature)
{
    /// <summary>Writes the value alone, without its signature.</summary>
    public abstract void Write(BusWriter writer);

    /// <summary>A string, <c>s</c>.</summary>
    public static BusValue Of(string text) => new BusText("s", text);

    /// <summary>A truth value, <c>b</c>.</summary>
    public static BusValue Of(bool value) => new BusNumber("b", value ? 1ul : 0);

    /// <summary>An unsigned number of 64 bits, <c>t</c>.</summary>
    public static BusValue Of(ulong value) => new BusNumber("t", value);

    /// <summary>An unsigned number of 32 bits, <c>u</c>.</summary>
    public static BusValue Of(uint value) => new BusNumber("u", value);

    /// <summary>Bytes, <c>ay</c>.</summary>
    public static BusValue Of(ReadOnlySpan<byte> bytes)
    {
        List<BusValue> items = [];
        foreach (byte item in bytes)
            items.Add(new BusNumber("y", item));
        return Array("y", items);
    }

    /// <summary>An array of values of one type.</summary>
    public static BusValue Array(string element, IReadOnlyList<BusValue> items) => new BusArray(element, items);

    /// <summary>A struct.</summary>
    public static BusValue Tuple(params BusValue[] fields) => new BusTuple(fields);
}

/// <summary>A string <c>s</c>, an object path <c>o</c> or a signature <c>g</c>.</summary>
internal sealed record BusText(string Signature, string Text) : BusValue(Signature)
{
    /// <inheritdoc/>
    public override void Write(BusWriter writer)
    {
        if (Signature == "g")
            writer.Signature(Text);
        else
            writer.Text(Text);
    }

    /// <inheritdoc/>
    public override string ToString() => $"'{Text}'";
}

/// <summary>A number of fixed size: <c>y b n q i u x t d</c>; its bits are kept.</summary>
internal sealed record BusNumber(string Signature, ulong Bits) : BusValue(Signature)
{
    /// <inheritdoc/>
    public override void Write(BusWriter writer) => writer.Number(Bits, BusSignature.SizeOf(Signature[0]));

    /// <inheritdoc/>
    public override string ToString() => Signature switch
    {
        "b" => Bits == 1 ? "true" : "false",
        "n" or "i" or "x" => ((long)Bits).ToString(CultureInfo.InvariantCulture),
        "d" => BitConverter.UInt64BitsToDouble(Bits).ToString(CultureInfo.InvariantCulture),
        _ => Bits.ToString(CultureInfo.InvariantCulture),
    };
}

/// <summary>An array.</summary>
internal sealed record BusArray(string Element, IReadOnlyList<BusValue> Items) : BusValue("a" + Element)
{
    /// <inheritdoc/>
    public override void Write(BusWriter writer)
    {
        BusWriter.ArrayMark mark = writer.BeginArray(BusSignature.AlignmentOf(Element[0]));
        foreach (BusValue item in Items)
            item.Write(writer);
        writer.EndArray(mark);
    }

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", Items)}]";
}

/// <summary>A struct.</summary>
internal sealed record BusTuple(IReadOnlyList<BusValue> Fields)
    : BusValue($"({string.Concat(Fields.Select(static field => field.Signature))})")
{
    /// <inheritdoc/>
    public override void Write(BusWriter writer)
    {
        writer.Align(8);
        foreach (BusValue field in Fields)
            field.Write(writer);
    }

    /// <inheritdoc/>
    public override string ToString() => $"({string.Join(", ", Fields)})";
}

/// <summary>A value in a box with its type, <c>v</c>.</summary>
internal sealed record BusVariant(BusValue Value) : BusValue("v")
{
    /// <inheritdoc/>
    public override void Write(BusWriter writer)
    {
        writer.Signature(Value.Signature);
        Value.Write(writer);
    }

    /// <inheritdoc/>
    public override string ToString() => $"<{Value}>";
}
