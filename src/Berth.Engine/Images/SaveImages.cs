using Berth.Faults;
using Berth.Oci.Images;

namespace Berth.Engine;

internal sealed partial class ImageService
{
    public Task<IArchive> SaveAsync(IReadOnlyList<string> names, Platform? platform, CancellationToken cancellationToken) =>
        throw new FaultException(FaultKind.NotSupported, "save: not offered yet");

    public Task LoadAsync(Stream tar, Platform? platform, IProgress<ProgressMessage> progress, CancellationToken cancellationToken) =>
        throw new FaultException(FaultKind.NotSupported, "load: not offered yet");
}
