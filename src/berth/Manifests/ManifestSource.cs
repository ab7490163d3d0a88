using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Distribution;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Cli.Manifests;

/// <summary>The registry of one reference, with the user's account there.</summary>
internal sealed class ManifestSource : IDisposable
{
    private readonly Session _session;
    private readonly RegistryManifests _registry;
    private RegistryCredentials? _credentials;
    private bool _knowsCredentials;

    /// <param name="session">Whose accounts.</param>
    /// <param name="reference">At whose registry.</param>
    /// <param name="insecure">Whether that registry may speak without TLS or show any certificate.</param>
    public ManifestSource(Session session, ImageReference reference, bool insecure)
    {
        _session = session;
        _registry = new RegistryManifests(new RegistryOptions
        {
            InsecureRegistries = insecure ? [reference.Domain] : [],
            InsecureAdvice = "give --insecure if {0} may be spoken to without encryption",
            // Somebody waits at a prompt.
            Attempts = 2,
        }, session.Time);
    }

    /// <exception cref="CommandException">There is none, in Docker's words; scripts look for them.</exception>
    public async Task<ManifestDocument> GetAsync(ImageReference reference, CancellationToken cancellationToken)
    {
        try
        {
            return await _registry.GetAsync(reference, await CredentialsAsync(reference, cancellationToken), cancellationToken);
        }
        catch (FaultException e) when (e.Kind == FaultKind.NotFound)
        {
            throw new CommandException($"no such manifest: {reference}");
        }
        catch (FaultException e) when (e.Kind is FaultKind.Unauthorized or FaultKind.Forbidden)
        {
            throw new CommandException($"no such manifest: {reference}: {e.Message}");
        }
    }

    /// <summary>A manifest with the machine that its image's configuration names.</summary>
    public async Task<ListedManifest> DescribeAsync(ImageReference reference, ManifestDocument found, CancellationToken cancellationToken)
    {
        using JsonDocument json = JsonDocument.Parse(found.Bytes);
        JsonElement config = json.RootElement.At("config");
        if (!Digest.TryParse(config.Text("digest"), out Digest digest))
            throw new CommandException($"{reference} is not a manifest of an image: it has no configuration");
        byte[] bytes = await _registry.GetBlobAsync(
            reference, new Descriptor { MediaType = config.Text("mediaType"), Digest = digest, Size = config.Number("size") },
            await CredentialsAsync(reference, cancellationToken), cancellationToken);
        try
        {
            return new ListedManifest(reference, found, ManifestPlatform.Read(JsonNode.Parse(bytes)));
        }
        catch (JsonException)
        {
            throw new CommandException($"{reference} is not a manifest of an image: its configuration {digest} is not JSON");
        }
    }

    /// <summary>The images of an index, each under the machine that the index names.</summary>
    public async Task<IReadOnlyList<ListedManifest>> ExpandAsync(
        ImageReference reference, ManifestDocument index, CancellationToken cancellationToken)
    {
        List<ListedManifest> entries = [];
        foreach (JsonObject entry in ManifestListText.Entries(index))
        {
            if (!Digest.TryParse((string?)entry["digest"] ?? "", out Digest digest))
                throw new CommandException($"read {reference}: an entry of the list has no digest");
            ManifestDocument found = await GetAsync(reference.WithDigest(digest), cancellationToken);
            if (found.IsIndex)
                throw new CommandException($"read {reference}: its entry {digest} is a list itself, which --verbose cannot show");
            entries.Add(new ListedManifest(
                ImageReference.Parse($"{reference.Name}{(reference.Tag is { } tag ? ":" + tag : "")}@{digest}"), found,
                ManifestPlatform.Read(entry["platform"])));
        }
        return entries;
    }

    /// <summary>As <see cref="RegistryManifests.MountAsync"/>.</summary>
    public async Task<bool> MountAsync(ImageReference target, Digest blob, ImageReference source, CancellationToken cancellationToken) =>
        await _registry.MountAsync(target, blob, source, await CredentialsAsync(target, cancellationToken), cancellationToken);

    /// <exception cref="CommandException">The registry refuses it.</exception>
    public async Task PutAsync(ImageReference target, ManifestDocument document, CancellationToken cancellationToken)
    {
        try
        {
            await _registry.PutAsync(target, document, await CredentialsAsync(target, cancellationToken), cancellationToken);
        }
        catch (FaultException e)
        {
            throw new CommandException($"failed to put manifest {target}: {e.Message}");
        }
    }

    public void Dispose() => _registry.Dispose();

    private async Task<RegistryCredentials?> CredentialsAsync(ImageReference reference, CancellationToken cancellationToken)
    {
        if (!_knowsCredentials)
        {
            _credentials = await RegistryAccounts.FindAsync(_session, reference.Domain, cancellationToken) is { } account
                ? new RegistryCredentials
                {
                    Username = account.Username, Password = account.Password, IdentityToken = account.IdentityToken,
                }
                : null;
            _knowsCredentials = true;
        }
        return _credentials;
    }
}
