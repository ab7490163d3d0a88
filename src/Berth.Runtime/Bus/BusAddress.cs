using System.Globalization;
using System.Text;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Sockets;

namespace Berth.Runtime.Bus;

/// <summary>Where a bus listens: a unix socket by its path or its abstract name.</summary>
/// <param name="Text">The path or name.</param>
/// <param name="IsAbstract">It is a name without a file.</param>
/// <remarks>D-Bus specification, "Server addresses" and "Unix domain sockets".</remarks>
internal readonly record struct BusAddress(string Text, bool IsAbstract = false)
{
    /// <summary>The first address of a list that names a unix socket: <c>unix:path=/run/x,guid=…;…</c></summary>
    /// <exception cref="FaultException">InvalidArgument: there is none.</exception>
    public static BusAddress Parse(string list)
    {
        foreach (string address in list.Split(';'))
        {
            if (!address.StartsWith("unix:", StringComparison.Ordinal))
                continue;
            foreach (string pair in address["unix:".Length..].Split(','))
            {
                if (pair.StartsWith("path=", StringComparison.Ordinal))
                    return new BusAddress(Unescape(pair["path=".Length..]));
                if (pair.StartsWith("abstract=", StringComparison.Ordinal))
                    return new BusAddress(Unescape(pair["abstract=".Length..]), IsAbstract: true);
            }
        }
        throw FaultException.Invalid($"D-Bus address {list}: it names no unix socket (unix:path=… or unix:abstract=…)");
    }

    /// <summary>Connects.</summary>
    /// <exception cref="LinuxException">Nobody listens there.</exception>
    public FileDescriptor Connect() => IsAbstract ? DescriptorSockets.ConnectAbstract(Text) : DescriptorSockets.ConnectStream(Text);

    /// <inheritdoc/>
    public override string ToString() => IsAbstract ? $"unix:abstract={Text}" : $"unix:path={Text}";

    private static string Unescape(string value)
    {
        if (!value.Contains('%'))
            return value;
        List<byte> bytes = [];
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] != '%')
                bytes.AddRange(Encoding.UTF8.GetBytes(value, i, 1));
            else if (i + 2 < value.Length
                && byte.TryParse(value.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte one))
            {
                bytes.Add(one);
                i += 2;
            }
            else
                throw FaultException.Invalid($"D-Bus address {value}: %XX is expected after a percent sign");
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }
}
