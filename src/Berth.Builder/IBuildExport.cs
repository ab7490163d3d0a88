using Berth.Faults;
using Berth.Linux;

namespace Berth.Builder;

/// <summary>Takes a result's files, instead of the image that they would be.</summary>
public interface IBuildExport
{
    /// <summary>Takes them; returns when they have arrived.</summary>
    /// <param name="root">The whole tree, open as a place (O_PATH); stays the caller's. What is in it is hostile.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">Unavailable: whoever was to get them is gone or refuses them.</exception>
    Task ExportAsync(FileDescriptor root, CancellationToken cancellationToken);
}
