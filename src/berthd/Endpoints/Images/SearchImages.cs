using System.Globalization;
using Berth.Daemon.Http;
using Berth.Distribution;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Images;

/// <summary>200 what a registry's search found; 400, 401, 501 for registries that cannot be searched.</summary>
internal static class SearchImages
{
    private const int CountDefault = 25;
    private const int CountMax = 100;

    public static async Task HandleAsync(ApiCall call)
    {
        int count = call.Query.SmallNumber("limit") ?? CountDefault;
        if (count is < 1 or > CountMax)
            throw FaultException.Invalid($"limit {count} is outside the range of [1, {CountMax}]");
        FilterSet filters = call.Query.Filters("is-automated", "is-official", "stars");
        (bool? official, bool? automated, int stars) = (filters.Flag("is-official"), filters.Flag("is-automated"), Stars(filters));
        IReadOnlyList<FoundRepository> found = await call.Engine.Images.SearchAsync(
            SearchTerm.Parse(call.Query.Text("term")), count, RegistryHeaders.Login(call.Http.Request.Headers), call.Cancelled);
        await call.WriteJsonAsync(
            [.. found.Where(one => (official is null || one.IsOfficial == official) && (automated is null || one.IsAutomated == automated)
                && one.Stars >= stars).Select(ToWire)],
            Wire.ApiJson.Wire.ImageSearchResultList);
    }

    private static int Stars(FilterSet filters)
    {
        int stars = 0;
        foreach (string text in filters["stars"])
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int wanted))
                throw FaultException.Invalid($"invalid filter 'stars={text}'");
            stars = Math.Max(stars, wanted);
        }
        return stars;
    }

    private static Wire.ImageSearchResult ToWire(FoundRepository found) => new()
    {
        Name = found.Name,
        Description = found.Description,
        StarCount = found.Stars,
        IsOfficial = found.IsOfficial,
        IsAutomated = found.IsAutomated,
    };
}
