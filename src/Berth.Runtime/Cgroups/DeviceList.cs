using Berth.Oci.Runtime;

namespace Berth.Runtime.Cgroups;

/// <summary>
/// Device rules as the kernel's version 1 keeps them: an answer for everything, and devices for which it is the other. In such a list
/// order means nothing, so every rule of a configuration, where the last that fits decides, is worked into what was before it.
/// </summary>
/// <remarks>Kernel documentation, admin-guide/cgroup-v1/devices.rst: a rule that takes away removes only what was added in the very
/// same words, and is otherwise ignored in silence.</remarks>
internal sealed class DeviceList
{
    private const string AllAccess = "rwm";
    private readonly List<DeviceRule> _exceptions = [];
    private bool _allows;

    /// <summary>The list for some rules: a first one for everything, and its exceptions.</summary>
    /// <param name="plain">The rules: each of the type <c>b</c> or <c>c</c>, but those for everything, which have none.</param>
    /// <param name="hole">The rule that takes some devices out of what a wider one says, which no list can have, and the wider one.</param>
    /// <returns>Null: there is a hole.</returns>
    public static IReadOnlyList<DeviceRule>? TryReduce(IReadOnlyList<DeviceRule> plain, out (DeviceRule Rule, DeviceRule Wider)? hole)
    {
        hole = null;
        DeviceList list = new();
        foreach (DeviceRule rule in plain)
        {
            if (list.Add(rule) is { } wider)
            {
                hole = (rule, wider);
                return null;
            }
        }
        return plain.Count == 0 ? [] : [new DeviceRule { Allow = list._allows }, .. list._exceptions];
    }

    // Returns the exception out of which the rule would cut a hole.
    private DeviceRule? Add(DeviceRule rule)
    {
        if (rule.Type is null)
        {
            _allows = rule.Allow;
            _exceptions.Clear();
        }
        else if (rule.Allow != _allows)
        {
            Except(rule);
        }
        else if (_exceptions.Find(each => Overlaps(each, rule) && !Covers(rule, each)) is { } wider)
        {
            return wider;
        }
        else
        {
            Remove(rule);
        }
        return null;
    }

    private void Except(DeviceRule rule)
    {
        int same = _exceptions.FindIndex(
            each => each.Type == rule.Type && IsSame(each.Major, rule.Major) && IsSame(each.Minor, rule.Minor));
        if (same < 0)
            _exceptions.Add(rule with { Access = AccessOf(rule) });
        else
            _exceptions[same] = rule with { Access = Both(AccessOf(_exceptions[same]), AccessOf(rule)) };
    }

    private void Remove(DeviceRule rule)
    {
        for (int i = _exceptions.Count - 1; i >= 0; i--)
        {
            if (!Covers(rule, _exceptions[i]))
                continue;
            string left = string.Concat(AccessOf(_exceptions[i]).Except(AccessOf(rule)));
            if (left.Length == 0)
                _exceptions.RemoveAt(i);
            else
                _exceptions[i] = _exceptions[i] with { Access = left };
        }
    }

    private static bool Overlaps(DeviceRule one, DeviceRule other) => one.Type == other.Type
        && (IsAny(one.Major) || IsAny(other.Major) || one.Major == other.Major)
        && (IsAny(one.Minor) || IsAny(other.Minor) || one.Minor == other.Minor)
        && AccessOf(one).Intersect(AccessOf(other)).Any();

    private static bool Covers(DeviceRule wide, DeviceRule narrow) => wide.Type == narrow.Type
        && (IsAny(wide.Major) || wide.Major == narrow.Major) && (IsAny(wide.Minor) || wide.Minor == narrow.Minor);

    private static bool IsAny(long? number) => number is not >= 0;

    private static bool IsSame(long? one, long? other) => IsAny(one) ? IsAny(other) : one == other;

    private static string Both(string one, string other) => string.Concat(AllAccess.Where((one + other).Contains));

    private static string AccessOf(DeviceRule rule) => string.IsNullOrEmpty(rule.Access) ? AllAccess : rule.Access;
}
