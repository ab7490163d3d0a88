using Berth.Linux.Processes;

namespace Berth.Layers.Trees;

/// <summary>Names that mean something to overlayfs and to layer tars.</summary>
/// <remarks>Linux Documentation/filesystems/overlayfs.rst; OCI image-spec 1.1, layer.md "Whiteouts".</remarks>
internal static class OverlayNames
{
    /// <summary>The mark of a directory that hides what is below: trusted attributes are the machine's root's alone.</summary>
    public static ReadOnlySpan<byte> Opaque =>
        UserNamespace.IsInitial ? "trusted.overlay.opaque\0"u8 : "user.overlay.opaque\0"u8;

    public static ReadOnlySpan<byte> TrustedPrefix => "trusted.overlay."u8;

    public static ReadOnlySpan<byte> UserPrefix => "user.overlay."u8;

    public static ReadOnlySpan<byte> WhiteoutPrefix => ".wh."u8;

    public static ReadOnlySpan<byte> OpaqueMarker => ".wh..wh..opq\0"u8;

    /// <summary>True for attributes by which overlayfs would be steered.</summary>
    public static bool IsOverlayAttribute(ReadOnlySpan<byte> name) =>
        name.StartsWith(TrustedPrefix) || name.StartsWith(UserPrefix);

    /// <summary>
    /// True for attributes that belong to an image: file capabilities, access lists and the user's own. Others (SELinux labels,
    /// integrity hashes, trusted ones) are this machine's policy, never an archive's.
    /// </summary>
    public static bool IsImageAttribute(ReadOnlySpan<byte> name) => !IsOverlayAttribute(name)
        && (name.StartsWith("user."u8) || name.SequenceEqual("security.capability"u8) || name.StartsWith("system.posix_acl_"u8));
}
