using Berth.Builder;
using Berth.Distribution;
using Berth.Engine.State;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Engine;

/// <summary>The images that builds stand on and make.</summary>
internal sealed class BuildImages(ImageTable images, ImageService store) : IBaseImages, IImageSink
{
    public async Task<BaseImage> ResolveAsync(
        BaseImageRequest request, IProgress<TransferEvent> progress, CancellationToken cancellationToken)
    {
        ImageRecord? here = images.TryFind(request.Reference);
        bool isOther = here is not null && request.PlatformIsExplicit && !request.Platform.Accepts(images.Config(here.Id).Platform);
        if ((here is null || request.Pull || isOther) && !IsId(request.Reference))
        {
            ImageReference reference = ImageReference.Parse(request.Reference).WithDefaultTag();
            RegistryCredentials? credentials = request.RegistryCredentials.GetValueOrDefault(reference.Domain)
                ?? (reference.Domain == ImageReference.DefaultDomain
                    ? request.RegistryCredentials.GetValueOrDefault("https://index.docker.io/v1/") : null)
                ?? (request.Client is { } client ? await client.FindCredentialsAsync(reference.Domain, cancellationToken) : null);
            here = await store.PullOneAsync(
                reference, request.PlatformIsExplicit ? request.Platform : null, credentials, progress, cancellationToken);
        }
        ImageRecord found = here ?? throw ImageTable.NoSuch(request.Reference);
        return new BaseImage(found.Id, images.Config(found.Id), images.Hold(found.Id));
    }

    public Task StoreAsync(
        Digest imageId, ReadOnlyMemory<byte> configBytes, ImageConfig config, IReadOnlyList<ImageReference> names,
            CancellationToken cancellationToken) =>
        store.StoreBytesAsync(imageId, configBytes, config, default, names, cancellationToken);

    private static bool IsId(string text) => text.StartsWith("sha256:", StringComparison.Ordinal)
        || (text.Length == 64 && text.All(char.IsAsciiHexDigitLower));
}
