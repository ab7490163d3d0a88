using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Protocol.Lists;

/// <summary>Docker's GET <c>/v2/_catalog</c>: the repositories that the caller may see.</summary>
internal static class Catalog
{
    private const int BatchCount = 500;

    public static async Task AnswerAsync(RegistryCall call)
    {
        PageRequest page = PageRequest.Of(call);
        List<string> names = [];
        bool more = page.Count > 0 && await CollectAsync(call, page, names).ConfigureAwait(false);
        if (more)
            page.Link(call, names[^1]);
        await call.WriteJsonAsync(
            json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("repositories"u8);
                foreach (string name in names)
                    json.WriteStringValue(name);
                json.WriteEndArray();
                json.WriteEndObject();
            }, "application/json; charset=utf-8").ConfigureAwait(false);
    }

    // True when there is one more than the page holds.
    private static async Task<bool> CollectAsync(RegistryCall call, PageRequest page, List<string> names)
    {
        string after = page.After;
        while (true)
        {
            string from = after;
            List<string> batch = await call.Services.Database.ReadAsync(
                (transaction, token) => RepositoryTable.NamesAsync(transaction, from, BatchCount, token), call.Aborted)
                .ConfigureAwait(false);
            foreach (string name in batch)
            {
                RepositoryAccess access = await call.Services.Access
                    .OfAsync(call.Caller, RepositoryName.Parse(name), call.Aborted).ConfigureAwait(false);
                if ((access & RepositoryAccess.Pull) == 0)
                    continue;
                if (names.Count == page.Count)
                    return true;
                names.Add(name);
            }
            if (batch.Count < BatchCount)
                return false;
            after = batch[^1];
        }
    }
}
