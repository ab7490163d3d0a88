using Berth.Registry.Browsing;

namespace Berth.Registry.Api;

/// <summary>The call behind <c>docker search</c>, and the question that docker asks before it.</summary>
/// <remarks>Docker's registry API version 1, "Search": <c>GET /v1/search?q=TERM&amp;n=COUNT</c>. Only this much of version 1 is
/// alive.</remarks>
internal static class DockerSearch
{
    private const int UsualPage = 25;

    public static async Task SearchAsync(ApiCall call)
    {
        string text = call.Query("q");
        RepositoryQuery query = new()
        {
            Text = text,
            // Docker's engine filters what it got: official ones must be among the first, however few it asks for.
            Order = RepositoryOrder.Best,
            Limit = (int)Math.Clamp(call.Number("n") ?? UsualPage, 1, RepositoryQuery.PageMax),
        };
        Listing<RepositorySummary> found = await call.Services.Browsing.Search.FindAsync(call.Caller, query, call.Cancelled);
        DockerSearchWire wire = new(
            found.Items.Count, text,
            [
                .. found.Items.Select(item => new DockerSearchResultWire(
                    item.Name, item.Description, item.Stars, item.IsOfficial, false, false)),
            ]);
        await call.SendAsync(wire, DockerSearchJson.Default.DockerSearchWire);
    }

    public static Task PingAsync(ApiCall call) => call.SendAsync(new DockerPingWire(true), DockerSearchJson.Default.DockerPingWire);
}
