using System.Globalization;

namespace Berth.EndToEnd.Tests;

/// <summary>Networks that nothing on this machine uses: other engines and other runs of these tests may have theirs here.</summary>
internal static class FreeNetworks
{
    private const int Attempts = 200;
    private static readonly HashSet<string> s_given = [];

    /// <summary>The first three numbers of a free /24, as <c>10.214.81</c>.</summary>
    public static string Take()
    {
        lock (s_given)
        {
            // Not by NetworkInterface of .NET: it fails where an interface goes away while it reads (dotnet 10.0).
            HashSet<string> used = [.. File.ReadLines("/proc/net/route").Skip(1).Select(line => NetworkOf(line.Split('\t')[1]))];
            for (int attempt = 0; attempt < Attempts; attempt++)
            {
                string network = $"10.{Random.Shared.Next(214, 223)}.{Random.Shared.Next(1, 255)}";
                if (!used.Contains(network) && s_given.Add(network))
                    return network;
            }
            throw new InvalidOperationException("no /24 between 10.214.1.0 and 10.222.254.0 is free");
        }
    }

    // The kernel writes the four bytes of an address as one number of the machine's byte order.
    private static string NetworkOf(string destination)
    {
        byte[] bytes = BitConverter.GetBytes(uint.Parse(destination, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        return $"{bytes[0]}.{bytes[1]}.{bytes[2]}";
    }
}
