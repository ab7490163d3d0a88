using Berth.Faults;

namespace Berth.BuildKit.Export;

/// <summary>What <c>--output type=</c> asks for beside an image.</summary>
public enum ExportForm
{
    /// <summary><c>local</c>: files in a directory of the client's.</summary>
    Tree,

    /// <summary><c>tar</c>: a tar of them.</summary>
    Tar,

    /// <summary><c>cacheonly</c>: the build alone.</summary>
    Nothing,
}

/// <summary>The names of <see cref="ExportForm"/>.</summary>
public static class ExportForms
{
    /// <summary>Reads one; null for an image, which is no export.</summary>
    /// <exception cref="FaultException">InvalidArgument: an unknown one.</exception>
    public static ExportForm? Parse(string type) => type switch
    {
        "local" => ExportForm.Tree,
        "tar" => ExportForm.Tar,
        "cacheonly" => ExportForm.Nothing,
        "moby" or "image" or "docker" => null,
        _ => throw FaultException.Invalid(
            $"exporter \"{type}\" could not be found: this engine has local, tar, cacheonly and image"),
    };
}
