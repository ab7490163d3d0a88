using Berth.Network;

namespace Berth.Daemon.Options;

/// <summary>The settings of the default bridge and of new networks, of which some lean on others.</summary>
internal static class NetworkSettings
{
    /// <summary>An address or range with its prefix length, as it was given; null: it was not.</summary>
    public static string? Range(SettingValues values, Setting setting, bool isIPv6, List<string> errors)
    {
        if (values.Text(setting) is not { Length: > 0 } text)
            return null;
        if (!InternetSubnet.TryParse(text, out InternetSubnet range) || range.IsIPv6 != isIPv6)
            errors.Add($"invalid {setting.Name} ({text}): an {(isIPv6 ? "IPv6" : "IPv4")} address and a prefix length are expected, "
                + $"such as {(isIPv6 ? "fd00:db8::/64" : "172.30.0.0/24")}");
        return text;
    }

    /// <summary>Whether the default bridge has IPv6.</summary>
    public static bool HasIPv6(SettingValues values, List<string> errors)
    {
        bool isOn = values.Flag(Settings.IPv6) ?? false;
        foreach (Setting setting in new[] { Settings.BridgeAddressIPv6, Settings.FixedCidrIPv6 })
        {
            if (!isOn && values.Text(setting) is { Length: > 0 })
                errors.Add($"{setting.Name} needs ipv6: the default bridge has no IPv6 addresses without it");
        }
        if (values.Flag(Settings.FirewallIPv6) is false)
            errors.Add("ip6tables: false is not offered: this engine keeps its rules for IPv6 in a table of its own, which leaves other "
                + "programs' rules alone");
        return isOn;
    }

    /// <summary>Options of new bridge networks.</summary>
    public static IReadOnlyDictionary<string, string> Defaults(SettingValues values, List<string> errors)
    {
        Dictionary<string, string> options = new(StringComparer.Ordinal);
        foreach (string text in values.All(Settings.NetworkDefaults))
        {
            string[] words = text.Split('=', 3);
            if (words is not [var driver, { Length: > 0 } name, var value])
                errors.Add($"invalid {Settings.NetworkDefaults.Name} ({text}): driver=name=value is expected");
            else if (driver != "bridge")
                errors.Add($"invalid {Settings.NetworkDefaults.Name} ({text}): this engine has no networks of driver {driver}, "
                    + "only bridge");
            else
                options[name] = value;
        }
        return options;
    }
}
