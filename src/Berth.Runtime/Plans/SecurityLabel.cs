using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Plans;

/// <summary>What the kernel's security module is told to confine a process by.</summary>
/// <param name="Text">The words for it.</param>
/// <param name="File">The file that takes them, of the process itself.</param>
/// <param name="AtOnce">The words for a process that executes nothing; null: there are none.</param>
/// <param name="AtOnceFile">The file that takes these.</param>
internal sealed record SecurityLabel(string Text, string File, string? AtOnce = null, string? AtOnceFile = null)
{
    private const string AppArmorFile = "/proc/self/attr/apparmor/exec", AppArmorNowFile = "/proc/self/attr/apparmor/current";
    private const string AttributeFile = "/proc/self/attr/exec", AttributeNowFile = "/proc/self/attr/current";
    // There when SELinux is on and a policy may be loaded.
    private const string SelinuxState = "/sys/fs/selinux/enforce";

    /// <summary>The label that a specification asks for, or null.</summary>
    /// <exception cref="FaultException">NotSupported: it asks for one of a module that this kernel does not run.</exception>
    public static SecurityLabel? Of(ProcessSpec process)
    {
        SecurityLabel? appArmor = OfAppArmor(process.ApparmorProfile);
        SecurityLabel? selinux = OfSelinux(process.SelinuxLabel);
        return appArmor is null || selinux is null
            ? appArmor ?? selinux
            : throw new FaultException(FaultKind.NotSupported, "an AppArmor profile and an SELinux label at once are not supported");
    }

    private static SecurityLabel? OfAppArmor(string? profile)
    {
        if (string.IsNullOrEmpty(profile))
            return null;
        if (AppArmor.IsEnabled)
        {
            bool own = System.IO.File.Exists(AppArmorFile);
            return new SecurityLabel($"exec {profile}", own ? AppArmorFile : AttributeFile,
                $"changeprofile {profile}", own ? AppArmorNowFile : AttributeNowFile);
        }
        return profile == "unconfined" ? null : throw new FaultException(
            FaultKind.NotSupported, $"AppArmor profile {profile}: AppArmor is not enabled on this host");
    }

    private static SecurityLabel? OfSelinux(string? label)
    {
        if (string.IsNullOrEmpty(label))
            return null;
        return System.IO.File.Exists(SelinuxState) ? new SecurityLabel(label, AttributeFile) : throw new FaultException(
            FaultKind.NotSupported, $"SELinux label {label}: SELinux is not enabled on this host");
    }
}
