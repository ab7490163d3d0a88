using Berth.Faults;

namespace Berth.Engine.Mounts;

/// <summary>The third part of <c>-v source:target:options</c>.</summary>
internal readonly record struct BindOptions(bool ReadOnly, string Propagation, bool NoCopy, bool NonRecursive, bool IsMapped = false)
{
    /// <exception cref="FaultException">InvalidArgument: an unknown or doubled option.</exception>
    public static BindOptions Parse(string mode, string whole)
    {
        BindOptions result = new(false, "", false, false);
        bool hasAccess = false;
        foreach (string option in mode.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (option)
            {
                case "ro" or "rw" when !hasAccess:
                    hasAccess = true;
                    result = result with { ReadOnly = option == "ro" };
                    break;
                case "private" or "rprivate" or "shared" or "rshared" or "slave" or "rslave" when result.Propagation.Length == 0:
                    result = result with { Propagation = option };
                    break;
                case UserNamespaceRules.BindOption:
                    result = result with { IsMapped = true };
                    break;
                case "nocopy":
                    result = result with { NoCopy = true };
                    break;
                case "bind" or "rbind":
                    result = result with { NonRecursive = option == "bind" };
                    break;
                case "z" or "Z" or "consistent" or "cached" or "delegated":
                    // SELinux labels where there is no SELinux policy, and hints for other systems.
                    break;
                default:
                    throw FaultException.Invalid($"invalid mode: {mode} (in volume specification '{whole}')");
            }
        }
        return result;
    }
}
