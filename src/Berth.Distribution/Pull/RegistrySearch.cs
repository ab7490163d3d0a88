using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Faults;
using Berth.Oci.References;

namespace Berth.Distribution;

/// <summary>A repository that a search found.</summary>
/// <param name="Name">Its name, as the registry gives it.</param>
/// <param name="Description">A sentence; may be empty.</param>
/// <param name="Stars">How many like it.</param>
/// <param name="IsOfficial">Whether the registry itself stands for it.</param>
/// <param name="IsAutomated">Whether the registry built it.</param>
public sealed record FoundRepository(string Name, string Description, int Stars, bool IsOfficial, bool IsAutomated);

/// <summary>Asks a registry's index what there is: <c>GET /v1/search?q=…&amp;n=…</c>, which Docker Hub and ours answer.</summary>
/// <remarks>It is of the first version of the protocol and in no specification; a registry without it answers 404.</remarks>
internal static class RegistrySearch
{
    private const string HubIndex = "https://index.docker.io/";
    private const int BodyBytesMax = 4 * 1024 * 1024;
    private const int ResultsMax = 1000;

    /// <exception cref="RegistryException">Not reached, refused, or the registry cannot be searched.</exception>
    public static async Task<IReadOnlyList<FoundRepository>> RunAsync(
        RegistryContext context, string registry, string term, int count, RegistryCredentials? credentials,
        CancellationToken cancellationToken)
    {
        RegistryEndpoint endpoint = registry == ImageReference.DefaultDomain
            ? new RegistryEndpoint(new Uri(HubIndex), IsMirror: false, IsSchemeFixed: false) : RegistryEndpoint.Of(registry);
        RegistrySession session = await RegistrySession.OpenAsync(
            context, endpoint, credentials, ["registry:catalog:search"], cancellationToken);
        if (credentials is { IsAnonymous: false })
            await ShowAsync(session, cancellationToken);
        Uri address = new(session.Base, $"v1/search?q={Uri.EscapeDataString(term)}&n={count}");
        using HttpResponseMessage response = await session.SendAsync(
            () => new HttpRequestMessage(HttpMethod.Get, address), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            throw new RegistryException(FaultKind.NotSupported, $"search {registry}: this registry cannot be searched");
        if (response.StatusCode != HttpStatusCode.OK)
            throw await RegistryErrors.ReadAsync(response, cancellationToken);
        byte[] body = await BoundedBody.ReadAsync(response.Content, BodyBytesMax, "search results", cancellationToken);
        try
        {
            SearchJson? answer = JsonSerializer.Deserialize(body, SearchJsonContext.Default.SearchJson);
            return [.. (answer?.Results ?? []).OfType<SearchResultJson>().Take(ResultsMax).Select(result => new FoundRepository(
                result.Name ?? "", result.Description ?? "", result.Stars, result.IsOfficial, result.IsAutomated))];
        }
        catch (JsonException exception)
        {
            throw new RegistryException(FaultKind.Unavailable, $"search {registry}: the answer is not JSON of that form", exception);
        }
    }

    // A search is answered to anybody, so nobody would ask who it is: credentials are shown where they are asked for, and the session
    // keeps what it got for them.
    private static async Task ShowAsync(RegistrySession session, CancellationToken cancellationToken)
    {
        Uri root = session.Address("");
        using HttpResponseMessage response = await session.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, root), cancellationToken);
        if (response.StatusCode == HttpStatusCode.Unauthorized)
            throw await RegistryErrors.ReadAsync(response, cancellationToken);
    }
}

internal sealed record SearchJson
{
    [JsonPropertyName("results")]
    public IReadOnlyList<SearchResultJson?>? Results { get; init; }
}

internal sealed record SearchResultJson
{
    [JsonPropertyName("name")]
    public string? Name { get; init; }

    [JsonPropertyName("description")]
    public string? Description { get; init; }

    [JsonPropertyName("star_count")]
    public int Stars { get; init; }

    [JsonPropertyName("is_official")]
    public bool IsOfficial { get; init; }

    [JsonPropertyName("is_automated")]
    public bool IsAutomated { get; init; }
}

[JsonSerializable(typeof(SearchJson))]
internal sealed partial class SearchJsonContext : JsonSerializerContext;
