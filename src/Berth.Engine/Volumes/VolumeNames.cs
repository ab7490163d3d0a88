using Berth.Faults;

namespace Berth.Engine;

/// <summary>The rule for names of volumes.</summary>
internal static class VolumeNames
{
    /// <exception cref="FaultException">InvalidArgument, with Docker's text.</exception>
    public static void Check(string name, string whole)
    {
        bool isValid = name.Length is > 1 and <= 255 && char.IsAsciiLetterOrDigit(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');
        if (!isValid)
            throw FaultException.Invalid(
                $"create {(whole.Length > 300 ? whole[..300] + "…" : whole)}: \"{(name.Length > 300 ? name[..300] + "…" : name)}\" includes invalid characters "
                + "for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path");
    }
}
