namespace Berth.Registry.Protocol;

/// <summary>A path beneath <c>/v2/</c>, taken apart from its end: a name may hold any of the words that paths are made of.</summary>
/// <param name="Resource">What it is about.</param>
/// <param name="Name">The repository's name as it stands there.</param>
/// <param name="Reference">Tag, digest or upload.</param>
internal readonly record struct RegistryPath(RegistryResource Resource, string Name, string Reference)
{
    private const string Prefix = "/v2/";

    public static RegistryPath Parse(string path)
    {
        if (path is "/v2" or Prefix)
            return new RegistryPath(RegistryResource.Root, "", "");
        if (!path.StartsWith(Prefix, StringComparison.Ordinal))
            return default;
        ReadOnlySpan<char> rest = path.AsSpan(Prefix.Length);
        if (rest is "_catalog")
            return new RegistryPath(RegistryResource.Catalog, "", "");
        if (rest.EndsWith("/blobs/uploads/"))
            return Make(RegistryResource.Uploads, rest[..^15], "");
        if (rest.EndsWith("/blobs/uploads"))
            return Make(RegistryResource.Uploads, rest[..^14], "");
        if (rest.EndsWith("/tags/list"))
            return Make(RegistryResource.Tags, rest[..^10], "");
        int slash = rest.LastIndexOf('/');
        if (slash < 0)
            return default;
        ReadOnlySpan<char> before = rest[..slash];
        ReadOnlySpan<char> last = rest[(slash + 1)..];
        if (before.EndsWith("/manifests"))
            return Make(RegistryResource.Manifest, before[..^10], last);
        if (before.EndsWith("/blobs/uploads"))
            return Make(RegistryResource.Upload, before[..^14], last);
        if (before.EndsWith("/blobs"))
            return Make(RegistryResource.Blob, before[..^6], last);
        return before.EndsWith("/referrers") ? Make(RegistryResource.Referrers, before[..^10], last) : default;
    }

    private static RegistryPath Make(RegistryResource resource, ReadOnlySpan<char> name, ReadOnlySpan<char> reference) =>
        new(resource, name.ToString(), reference.ToString());
}
