using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime;
using Berth.Runtime.Confinement;
using Berth.Runtime.Seccomp;

namespace Berth.Engine.Specs;

/// <summary>What <c>--security-opt</c> says.</summary>
internal sealed record SecurityOptions(bool NoNewPrivileges, string? SeccompText, bool SeccompUnconfined, bool SystemPathsUnconfined)
{
    /// <summary>The AppArmor profile that was asked for; null: none.</summary>
    public string? AppArmorProfile { get; internal init; }

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
                "apparmor" when value.Length > 0 && AppArmor.IsEnabled => result with { AppArmorProfile = ProfileOf(value) },
                "label" or "apparmor" when value is "disable" or "unconfined" or DefaultProfile.DockerName => result,
                "label" or "apparmor" => throw new FaultException(
                    FaultKind.NotSupported,
                        $"security option {option}: this kernel offers no {(parts[0] == "label" ? "SELinux policy" : "AppArmor")}"),
                _ => throw FaultException.Invalid($"invalid --security-opt 2: \"{Clip(option)}\""),
            };
        }
        return result;
    }

    private static string ProfileOf(string name) => name == DefaultProfile.DockerName ? DefaultProfile.Name : name;

    /// <summary>The profile of a container: the one it names, none when it is privileged, else the engine's.</summary>
    /// <param name="isPrivileged">It is.</param>
    /// <param name="byDefault">The engine's, where the kernel has it.</param>
    public string? AppArmorFor(bool isPrivileged, string? byDefault) => AppArmorProfile ?? (isPrivileged ? null : byDefault);

    /// <summary>The profile of a process that is executed in a container.</summary>
    /// <param name="isPrivileged">The process is, as Docker's: what is privileged is not confined.</param>
    /// <param name="ofFirst">The profile that the container's first process is confined by.</param>
    public string? AppArmorForExec(bool isPrivileged, string? ofFirst)
    {
        // The engine's is the container's only if it has it: one that was started without stays in one piece.
        string? own = AppArmorProfile ?? (ofFirst == DefaultProfile.Name ? ofFirst : null);
        return isPrivileged && own is not null ? Unconfined : own;
    }

    /// <summary>The name of no profile.</summary>
    public const string Unconfined = "unconfined";

    /// <summary>The seccomp policy; null: none.</summary>
    public SeccompSpec? Seccomp(IReadOnlyList<string> capabilities) => SeccompUnconfined ? null
        : SeccompText is null ? DefaultSeccomp.Profile([.. capabilities])
        : DockerSeccomp.Read(SeccompText, capabilities);

    /// <summary>What a container of an image for this processor should know; null: nothing.</summary>
    public string? WarningFor(string architecture, bool isPrivileged) =>
        architecture != "386" || isPrivileged || SeccompUnconfined || SeccompText is not null ? null
            : "The image is for 32-bit programs (linux/386). Those that make sockets by the call \"socketcall\", as Debian's C library does, "
                + "cannot under the default seccomp profile: a filter does not see what kind of socket is meant. If they need the network, "
                + "name a profile that allows the call: --security-opt seccomp=FILE";

    private static string Clip(string text) => text.Length > 200 ? text[..200] + "…" : text;
}
