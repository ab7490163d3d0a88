using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime;
using Berth.Runtime.Seccomp;

namespace Berth.Engine.Specs;

/// <summary>What <c>--security-opt</c> says.</summary>
internal sealed record SecurityOptions(bool NoNewPrivileges, string? SeccompText, bool SeccompUnconfined, bool SystemPathsUnconfined)
{
    /// <summary>The AppArmor profile that was asked for; null: none.</summary>
    public string? AppArmorProfile { get; private init; }

    /// <exception cref="FaultException">InvalidArgument: an unknown option. NotSupported: one for a module that is not offered.</exception>
    public static SecurityOptions Parse(IReadOnlyList<string> options, EngineOptions engine)
    {
        SecurityOptions result = new(engine.NoNewPrivileges, engine.SeccompProfile, false, false);
        foreach (string option in options)
        {
            string[] parts = option.Split(option.Contains('=', StringComparison.Ordinal) ? '=' : ':', 2);
            string value = parts.Length == 2 ? parts[1] : "";
            result = parts[0] switch
            {
                "no-new-privileges" when value is "" or "true" => result with { NoNewPrivileges = true },
                "no-new-privileges" when value is "false" => result with { NoNewPrivileges = false },
                "seccomp" when value == "unconfined" => result with { SeccompUnconfined = true },
                "seccomp" when value == "builtin" => result with { SeccompText = null },
                "seccomp" when value.StartsWith('{') => result with { SeccompText = value },
                "systempaths" when value == "unconfined" => result with { SystemPathsUnconfined = true },
                "apparmor" when value.Length > 0 && AppArmor.IsEnabled => result with { AppArmorProfile = value },
                "label" or "apparmor" when value is "disable" or "unconfined" or "docker-default" => result,
                "label" or "apparmor" => throw new FaultException(
                    FaultKind.NotSupported,
                        $"security option {option}: this kernel offers no {(parts[0] == "label" ? "SELinux policy" : "AppArmor")}"),
                _ => throw FaultException.Invalid($"invalid --security-opt 2: \"{Clip(option)}\""),
            };
        }
        return result;
    }

    /// <summary>The name of the AppArmor profile among options, whether or not there is such a one; empty: none.</summary>
    public static string AppArmorProfileOf(IReadOnlyList<string> options)
    {
        const string prefix = "apparmor";
        string? last = options.LastOrDefault(static option => option.StartsWith(prefix + "=", StringComparison.Ordinal)
            || option.StartsWith(prefix + ":", StringComparison.Ordinal));
        return last?[(prefix.Length + 1)..] ?? "";
    }

    /// <summary>The seccomp policy; null: none.</summary>
    public SeccompSpec? Seccomp(IReadOnlyList<string> capabilities) => SeccompUnconfined ? null
        : SeccompText is null ? DefaultSeccomp.Profile([.. capabilities])
        : DockerSeccomp.Read(SeccompText, capabilities);

    private static string Clip(string text) => text.Length > 200 ? text[..200] + "…" : text;
}
