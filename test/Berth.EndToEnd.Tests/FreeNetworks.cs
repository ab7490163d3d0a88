using System.Net.NetworkInformation;
using System.Net.Sockets;

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
            HashSet<string> used = [.. NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(network => network.GetIPProperties().UnicastAddresses)
                .Where(address => address.Address.AddressFamily == AddressFamily.InterNetwork)
                .Select(address => address.Address.ToString()).Select(text => text[..text.LastIndexOf('.')])];
            for (int attempt = 0; attempt < Attempts; attempt++)
            {
                string network = $"10.{Random.Shared.Next(214, 223)}.{Random.Shared.Next(1, 255)}";
                if (!used.Contains(network) && s_given.Add(network))
                    return network;
            }
            throw new InvalidOperationException("no /24 between 10.214.1.0 and 10.222.254.0 is free");
        }
    }
}
