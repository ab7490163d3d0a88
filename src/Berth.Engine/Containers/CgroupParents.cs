using Berth.Faults;

namespace Berth.Engine;

/// <summary>Where containers' cgroups are made.</summary>
public static class CgroupParents
{
    private const string Suffix = ".slice";

    /// <summary>Looks at a parent that somebody named.</summary>
    /// <param name="parent">The parent; null or empty: nobody did.</param>
    /// <param name="systemd">Cgroups are scopes of systemd.</param>
    /// <exception cref="FaultException">InvalidArgument, with Docker's text: it is no slice's name.</exception>
    public static void Check(string? parent, bool systemd)
    {
        if (!systemd || string.IsNullOrEmpty(parent))
            return;
        if (parent.Length <= Suffix.Length || !parent.EndsWith(Suffix, StringComparison.Ordinal) || parent.Contains(':'))
            throw FaultException.Invalid("cgroup-parent for systemd cgroup should be a valid slice named as \"xxx.slice\"");
    }
}
