using Berth.Registry.Cache;
using Berth.Registry.Repositories;

namespace Berth.Registry.Protocol.Lists;

/// <summary>end-8, GET <c>/v2/&lt;name&gt;/tags/list</c>: in the order of their bytes, a page at a time.</summary>
internal static class TagList
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        Upstream? upstream = await call.RequirePullAsync().ConfigureAwait(false);
        PageRequest page = PageRequest.Of(call);
        List<string> tags = upstream is null
            ? await ReadAsync(call, page).ConfigureAwait(false)
            : await AskAsync(call, upstream, page).ConfigureAwait(false);
        if (tags.Count > page.Count)
        {
            tags.RemoveAt(page.Count);
            if (page.Count > 0)
                page.Link(call, tags[^1]);
        }
        await call.WriteJsonAsync(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("name"u8, call.Repository.Value);
                json.WriteStartArray("tags"u8);
                foreach (string tag in tags)
                    json.WriteStringValue(tag);
                json.WriteEndArray();
                json.WriteEndObject();
            }, "application/json; charset=utf-8").ConfigureAwait(false);
    }

    // All that the upstream has; while it is away or limits us, what was pulled through.
    private static async Task<List<string>> AskAsync(RegistryCall call, Upstream upstream, PageRequest page)
    {
        try
        {
            IReadOnlyList<string> all = await call.Services.Cache.Lists.TagsAsync(call, upstream).ConfigureAwait(false);
            return [.. all.SkipWhile(tag => string.CompareOrdinal(tag, page.After) <= 0).Take(page.Count + 1)];
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.Unavailable)
        {
            RepositoryRow? known = await call.Services.Database.ReadAsync(
                (transaction, token) => RepositoryTable.FindVisibleAsync(transaction, call.Repository, token), call.Aborted)
                .ConfigureAwait(false);
            if (known is null)
                throw;
            return await ReadAsync(call, page).ConfigureAwait(false);
        }
    }

    private static Task<List<string>> ReadAsync(RegistryCall call, PageRequest page) => call.Services.Database.ReadAsync(
        async (transaction, token) =>
        {
            RepositoryRow repository = await RepositoryTable.FindVisibleAsync(transaction, call.Repository, token).ConfigureAwait(false)
                ?? throw call.UnknownName();
            return await TagTable.ListAsync(transaction, repository.Id, page.After, page.Count + 1, token).ConfigureAwait(false);
        }, call.Aborted);
}
