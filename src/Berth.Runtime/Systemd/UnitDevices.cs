using System.Globalization;
using Berth.Oci.Runtime;
using Berth.Runtime.Bus;
using Berth.Runtime.Cgroups;

namespace Berth.Runtime.Systemd;

/// <summary>
/// Device rules as a unit's <c>DevicePolicy</c> and <c>DeviceAllow</c>. systemd writes what a unit says whenever it likes, so a unit that
/// says nothing would lose its rules. It can only allow: what it cannot say is left to the rules that we write ourselves.
/// </summary>
/// <remarks>systemd.resource-control(5); runc's libcontainer/cgroups/devices/systemd.go.</remarks>
internal static class UnitDevices
{
    /// <summary>The settings for some rules, of which the last that fits decides.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="groups">The text of <c>/proc/devices</c>: systemd knows a major number by its driver's name.</param>
    public static IReadOnlyList<UnitProperty> Of(IReadOnlyList<DeviceRule> rules, string groups)
    {
        bool isClosed = false;
        List<(string Device, string Access)> allowed = [];
        foreach (DeviceRule rule in DeviceRules.Ordered(rules))
        {
            string access = string.IsNullOrEmpty(rule.Access) ? "rwm" : rule.Access;
            if (rule.Type is null)
            {
                isClosed = !rule.Allow;
                allowed.Clear();
            }
            else if (NameOf(rule, groups) is { } device)
            {
                allowed.RemoveAll(entry => entry.Device == device);
                if (rule.Allow)
                    allowed.Add((device, access));
            }
        }
        if (!isClosed)
            return [new UnitProperty("DevicePolicy", BusValue.Of("auto"))];
        BusValue list = BusValue.Array("(ss)",
            [.. allowed.Select(static entry => BusValue.Tuple(BusValue.Of(entry.Device), BusValue.Of(entry.Access)))]);
        return [new UnitProperty("DevicePolicy", BusValue.Of("strict")), new UnitProperty("DeviceAllow", list)];
    }

    private static string? NameOf(DeviceRule rule, string groups)
    {
        string kind = rule.Type == "b" ? "block" : "char";
        if (rule.Major is not >= 0)
            return rule.Minor is >= 0 ? null : $"{kind}-*";
        return rule.Minor is >= 0
            ? string.Create(CultureInfo.InvariantCulture, $"/dev/{kind}/{rule.Major}:{rule.Minor}")
            : $"{kind}-{DriverOf(rule.Type == "b", rule.Major.Value, groups)}";
    }

    // "Character devices:" and "Block devices:", each followed by lines of a number and a name.
    private static string DriverOf(bool isBlock, long major, string groups)
    {
        bool isRightPart = false;
        foreach (string line in groups.Split('\n'))
        {
            if (line.EndsWith(':'))
                isRightPart = line.StartsWith("Block", StringComparison.Ordinal) == isBlock;
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (isRightPart && words.Length == 2
                && long.TryParse(words[0], CultureInfo.InvariantCulture, out long number) && number == major)
                return words[1];
        }
        return major.ToString(CultureInfo.InvariantCulture);
    }
}
