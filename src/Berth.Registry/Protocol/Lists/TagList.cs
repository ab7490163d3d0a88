using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Protocol.Lists;

/// <summary>end-8, GET <c>/v2/&lt;name&gt;/tags/list</c>: in the order of their bytes, a page at a time.</summary>
internal static class TagList
{
    public static async Task AnswerAsync(RegistryCall call)
    {
        await call.RequireAsync(RepositoryAccess.Pull).ConfigureAwait(false);
        PageRequest page = PageRequest.Of(call);
        List<string> tags = await call.Services.Database.ReadAsync(
            async (transaction, token) =>
            {
                RepositoryRow repository = await RepositoryTable.FindVisibleAsync(transaction, call.Repository, token).ConfigureAwait(false)
                    ?? throw call.UnknownName();
                return await TagTable.ListAsync(transaction, repository.Id, page.After, page.Count + 1, token).ConfigureAwait(false);
            }, call.Aborted).ConfigureAwait(false);
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
}
