using Berth.Registry.Access;
using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Database;
using Berth.Registry.Diary;
using Berth.Registry.Model;

namespace Berth.Registry.Tests.Browsing;

/// <summary>Lists and searches over many repositories, on both databases: the answers, and that each walks an index.</summary>
public abstract class RepositorySearchContract : IAsyncLifetime
{
    private const int Repositories = 20_000;
    private const int PrivateEvery = 10;
    private static readonly string[] s_orders = ["Popular", "Updated", "Name", "Starred"];

    private protected HubDatabase Database { get; private set; } = null!;

    private RepositorySearch Search { get; set; } = null!;

    // As another process has it: it learns of changes by the database alone.
    private HubDatabase OtherDatabase { get; set; } = null!;

    private RepositorySearch OtherSearch { get; set; } = null!;

    private protected abstract HubDatabase Open();

    /// <summary>The same database once more.</summary>
    private protected abstract HubDatabase OpenAgain();

    /// <summary>Something of the text index that hubs had in their database once.</summary>
    private protected abstract string FormerIndex { get; }

    /// <summary>The steps by which the database would answer.</summary>
    private protected abstract Task<string> PlanAsync(SqlText sql);

    public async ValueTask InitializeAsync()
    {
        Database = Open();
        await Database.MigrateAsync(
            [
                .. RegistrySchema.Steps, .. AccountsSchema.Steps, .. DiarySchema.Steps, BrowsingSchema.Steps[0],
                new Migration("browsing", 4, FormerIndex), .. BrowsingSchema.Steps,
            ], TimeProvider.System, default);
        OtherDatabase = OpenAgain();
        OtherSearch = new RepositorySearch(OtherDatabase, new OwnersAccess());
        Assert.Empty((await OtherSearch.FindAsync(Caller.Anonymous, new RepositoryQuery { Text = "image" }, default)).Items);
        Search = new RepositorySearch(Database, new OwnersAccess());
        await Database.WriteAsync(FillAsync, default);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await OtherDatabase.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Everything_OnManyRepositories()
    {
        // One test, because filling the database takes longer than asking it.
        await RequirePagesAsync();
        await RequireCommonWordAsync();
        await RequireRareWordAsync();
        await RequirePrivateRowsAsync();
        await RequireIndexesAsync();
        await RequireWordsOfAnyFrequencyAsync();
        await RequireFiltersAsync();
        await RequireMarksAsync();
        await RequireSearchFollowsChangesAsync();
        await RequireSearchSeesWhatWasCommittedAsync();
    }

    private async Task RequirePagesAsync()
    {
        foreach (string order in s_orders)
        {
            RepositoryQuery query = new() { Order = Enum.Parse<RepositoryOrder>(order), Limit = 100 };
            List<RepositorySummary> seen = [];
            for (int page = 0; page < 5; page++)
            {
                Listing<RepositorySummary> listing = await Search.FindAsync(Caller.Anonymous, query, default);
                seen.AddRange(listing.Items);
                query = query with { After = PageMark.Parse(listing.Next) };
                Assert.NotNull(query.After);
            }
            Assert.Equal(500, seen.Select(row => row.Id).Distinct().Count());
            Assert.DoesNotContain(seen, row => row.IsPrivate);
            IEnumerable<RepositorySummary> sorted = order switch
            {
                "Popular" => seen.OrderByDescending(row => row.Pulls).ThenByDescending(row => row.Id),
                "Updated" => seen.OrderByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id),
                "Starred" => seen.OrderByDescending(row => row.Stars).ThenByDescending(row => row.Id),
                _ => seen.OrderBy(row => row.Name, StringComparer.Ordinal),
            };
            Assert.Equal(sorted.Select(row => row.Id), seen.Select(row => row.Id));
        }
    }

    private async Task RequireCommonWordAsync()
    {
        // In every description: more hits than are sorted.
        Listing<RepositorySummary> found = await Search.FindAsync(Caller.Anonymous, new RepositoryQuery { Text = "imag", Limit = 50 }, default);
        Assert.Equal(50, found.Items.Count);
        Assert.Equal(found.Items.OrderByDescending(row => row.Pulls).Select(row => row.Pulls), found.Items.Select(row => row.Pulls));
        Assert.NotNull(found.Next);
    }

    private async Task RequireRareWordAsync()
    {
        Listing<RepositorySummary> byName = await Search.FindAsync(Caller.Anonymous, new RepositoryQuery { Text = "USER7 app1234" }, default);
        Assert.All(byName.Items, row => Assert.StartsWith("user7", row.Name, StringComparison.Ordinal));
        Listing<RepositorySummary> byText = await Search.FindAsync(Caller.Anonymous, new RepositoryQuery { Text = "number 4321" }, default);
        Assert.Contains(byText.Items, row => row.Description.EndsWith("4321", StringComparison.Ordinal));
        Assert.Empty((await Search.FindAsync(Caller.Anonymous, new RepositoryQuery { Text = "nothing like it" }, default)).Items);
        Assert.Empty((await Search.FindAsync(Caller.Anonymous, new RepositoryQuery { Text = "-- !!" }, default)).Items);
    }

    private async Task RequirePrivateRowsAsync()
    {
        Caller owner = new() { AccountId = 1, Name = "user0" };
        RepositoryQuery query = new() { Namespace = "user0", IsPrivate = true, Order = RepositoryOrder.Name, Limit = 100 };
        Listing<RepositorySummary> own = await Search.FindAsync(owner, query, default);
        Assert.NotEmpty(own.Items);
        Assert.All(own.Items, row => Assert.True(row.IsPrivate && row.Name.StartsWith("user0/", StringComparison.Ordinal)));
        Assert.Empty((await Search.FindAsync(Caller.Anonymous, query, default)).Items);
        Assert.Empty((await Search.FindAsync(new Caller { AccountId = 2, Name = "user1" }, query, default)).Items);
        Caller administrator = new() { AccountId = 2, Name = "user1", IsAdministrator = true };
        Assert.NotEmpty((await Search.FindAsync(administrator, query, default)).Items);
    }

    // Every way of finding gives the pages that looking at all rows would.
    private async Task RequireWordsOfAnyFrequencyAsync()
    {
        Caller administrator = new() { AccountId = 2, Name = "user1", IsAdministrator = true };
        List<RepositorySummary> all = await Database.ReadAsync(
            (transaction, token) => transaction.ListAsync(
                $"select {(SqlText)RepositorySummary.Columns} from repositories r", RepositorySummary.Read, token), default);
        foreach (string text in new[] { "image", "number", "app1", "app12", "app123", "user5", "user5 image", "user7 app1", "app19 number 1", "9" })
        {
            foreach (string order in s_orders)
            {
                foreach (bool isPrivate in new[] { false, true })
                {
                    RepositoryQuery query = new() { Text = text, Order = Enum.Parse<RepositoryOrder>(order), IsPrivate = isPrivate, Limit = 40 };
                    IEnumerable<RepositorySummary> expected = all.Where(row => row.IsPrivate == isPrivate && query.Fits(row));
                    expected = query.Order switch
                    {
                        RepositoryOrder.Popular => expected.OrderByDescending(row => row.Pulls).ThenByDescending(row => row.Id),
                        RepositoryOrder.Updated => expected.OrderByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id),
                        RepositoryOrder.Starred => expected.OrderByDescending(row => row.Stars).ThenByDescending(row => row.Id),
                        _ => expected.OrderBy(row => row.Name, StringComparer.Ordinal),
                    };
                    Listing<RepositorySummary> first = await Search.FindAsync(administrator, query, default);
                    Listing<RepositorySummary> second = first.Next is null ? first with { Items = [] }
                        : await Search.FindAsync(administrator, query with { After = PageMark.Parse(first.Next) }, default);
                    Assert.Equal(expected.Take(80).Select(row => row.Name), first.Items.Concat(second.Items).Select(row => row.Name));
                }
            }
        }
    }

    // With words as without: the same rows of an owner, of an account's own and of what it starred.
    private async Task RequireFiltersAsync()
    {
        Caller owner = new() { AccountId = 8, Name = "user7" };
        await Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync(
                $"insert into stars select {8}, id, 0 from repositories where id % 500 = 7", token), default);
        RepositoryQuery[] queries =
        [
            new() { Namespace = "user7" }, new() { StarredBy = 8 }, new() { IsPrivate = true }, new() { Namespace = "user7", IsPrivate = true },
            new() { Namespace = "user7", StarredBy = 8 }, new() { Namespace = "user8", IsPrivate = true }, new() { StarredBy = 8, IsPrivate = true },
        ];
        foreach (RepositoryQuery query in queries.Select(query => query with { Limit = 30 }))
        {
            Listing<RepositorySummary> listed = await Search.FindAsync(owner, query, default);
            Listing<RepositorySummary> found = await Search.FindAsync(owner, query with { Text = "image" }, default);
            Assert.Equal(listed.Items, found.Items);
            Assert.Equal(listed.Next, found.Next);
        }
        Assert.NotEmpty((await Search.FindAsync(owner, queries[3] with { Text = "image" }, default)).Items);
    }

    // Given in one process, seen by the other's next search; a mark of an account is one of each of its repositories.
    private async Task RequireMarksAsync()
    {
        Assert.Empty(await NamesAsync("is:official"));
        await ExecuteAsync($"update repositories set is_official = 1 where name in ({"user1/app101"}, {"user2/app102"}, {"user3/app1003"})");
        await ExecuteAsync($"update accounts set is_verified = 1 where name = {"user9"}");
        Assert.Equal(["user1/app101", "user2/app102"], (await NamesAsync("is:official")).Order(StringComparer.Ordinal));
        // One of the three is private: it is found by those alone who see it.
        Caller owner = new() { AccountId = 4, Name = "user3" };
        RepositoryQuery marked = new() { Marks = RepositoryMarks.Official };
        Assert.Equal(["user3/app1003"], (await Search.FindAsync(owner, marked with { IsPrivate = true }, default)).Items.Select(row => row.Name));
        Assert.Equal(3, (await Search.FindAsync(owner, marked, default)).Items.Count);
        Assert.Equal(2, (await Search.FindAsync(new Caller { AccountId = 5, Name = "user4" }, marked, default)).Items.Count);
        Assert.Equal(["user2/app102"], await NamesAsync("102 IS:Official"));
        Assert.Empty(await NamesAsync("zzz is:official"));

        List<RepositorySummary> verified = await AllAsync(new RepositoryQuery { Text = "is:verified", Order = RepositoryOrder.Best, Limit = 70 });
        Assert.Equal(180, verified.Count);
        Assert.All(verified, row => Assert.True(row.IsVerified && row.Name.StartsWith("user9/", StringComparison.Ordinal)));
        Assert.Equal(182, (await AllAsync(new RepositoryQuery { Text = "is:verified is:official", Limit = 90 })).Count);
        // The best match: official ones, verified publishers', and only then what is pulled most.
        List<RepositorySummary> best = await AllAsync(new RepositoryQuery { Text = "app1", Order = RepositoryOrder.Best, Limit = 77 });
        List<RepositorySummary> popular = await AllAsync(new RepositoryQuery { Text = "app1", Limit = 100 });
        Assert.Equal(popular.OrderBy(row => row.IsOfficial ? 0 : row.IsVerified ? 1 : 2).Select(row => row.Name), best.Select(row => row.Name));
        Assert.Equal(3, best.Select(row => (row.IsOfficial, row.IsVerified)).Distinct().Count());
        // Of everything there is no match that could be good.
        Assert.Equal(
            (await Search.FindAsync(Caller.Anonymous, new RepositoryQuery(), default)).Items,
            (await Search.FindAsync(Caller.Anonymous, new RepositoryQuery { Order = RepositoryOrder.Best }, default)).Items);

        await ExecuteAsync($"update accounts set is_verified = 0 where name = {"user9"}");
        await ExecuteAsync($"update repositories set is_official = 0 where name <> {"user2/app102"}");
        Assert.Empty(await NamesAsync("is:verified"));
        Assert.Equal(["user2/app102"], await NamesAsync("is:official"));
        await ExecuteAsync($"delete from repositories where name = {"user2/app102"}");
        Assert.Empty(await NamesAsync("is:official"));
    }

    private Task ExecuteAsync(SqlText sql) => Database.WriteAsync((transaction, token) => transaction.ExecuteAsync(sql, token), default);

    private async Task<List<RepositorySummary>> AllAsync(RepositoryQuery query)
    {
        List<RepositorySummary> all = [];
        Listing<RepositorySummary> page;
        do
        {
            page = await Search.FindAsync(Caller.Anonymous, query, default);
            all.AddRange(page.Items);
            query = query with { After = PageMark.Parse(page.Next) };
        }
        while (page.Next is not null);
        return all;
    }

    private async Task RequireIndexesAsync()
    {
        foreach (string order in s_orders)
        {
            RepositoryQuery query = new() { Order = Enum.Parse<RepositoryOrder>(order) };
            foreach (PageMark? after in new[] { null, new PageMark(1000, 10, "user5/app") })
            {
                string plan = await PlanAsync(RepositorySearch.Statement(query, isPrivate: false, null, after, 26));
                Assert.Contains("repositories_", plan, StringComparison.Ordinal);
                RequireNoSorting(plan);
            }
        }
        foreach (bool byName in new[] { true, false })
        {
            string plan = await PlanAsync(TagList.Statement(1, "", byName, null, 51));
            RequireNoSorting(plan);
        }
    }

    private protected abstract void RequireNoSorting(string plan);

    private async Task RequireSearchFollowsChangesAsync()
    {
        await Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync(
                $"update repositories set description = {"zebra crossing"} where name = {"user1/app101"}", token), default);
        Assert.Equal(["user1/app101"], await NamesAsync("zebra"));
        // Whoever becomes the most pulled of many is the first, and what becomes private is nowhere.
        await Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"update repositories set pull_count = {123_456_789} where name = {"user2/app1202"}", token), default);
        Assert.Equal("user2/app1202", (await NamesAsync("user2")).First());
        await Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"update repositories set visibility = {"private"} where name = {"user2/app1202"}", token), default);
        Assert.DoesNotContain("user2/app1202", await NamesAsync("user2"));
        // All that a list shows, not only what is searched for.
        await Database.WriteAsync((transaction, token) => transaction.ExecuteAsync(
            $"update repositories set star_count = {3}, bytes = {77}, pushed_at = {5} where name = {"user1/app101"}", token), default);
        RepositorySummary shown = (await Search.FindAsync(Caller.Anonymous, new RepositoryQuery { Text = "zebra" }, default)).Items.Single();
        Assert.Equal((3, 77, 5), (shown.Stars, shown.Bytes, shown.PushedAt));
        await Database.WriteAsync((transaction, token) => transaction.ExecuteAsync($"delete from repositories where name = {"user1/app101"}", token), default);
        Assert.Empty(await NamesAsync("zebra"));
    }

    // While others write, too, and in the other process.
    private async Task RequireSearchSeesWhatWasCommittedAsync()
    {
        using var stop = new CancellationTokenSource();
        Task[] writers = [.. Enumerable.Range(0, 3).Select(i => Task.Run(async () =>
        {
            for (int n = 0; !stop.IsCancellationRequested; n++)
            {
                await OtherDatabase.WriteAsync((transaction, token) => transaction.ExecuteAsync(
                    $"update repositories set pull_count = pull_count + {1} where id = {1000 + (n * 3 % 900) + i}", token), default);
                await Task.Delay(1);
            }
        }))];
        try
        {
            for (int n = 0; n < 60; n++)
            {
                (string name, string word) = ($"user3/fresh{n}", $"quagga{n}");
                await Database.WriteAsync((transaction, token) => transaction.ExecuteAsync(
                    $"""
                    insert into repositories(account_id, name, namespace, visibility, description, created_at)
                    values ({4}, {name}, {"user3"}, {"public"}, {word}, {n})
                    """, token), default);
                Assert.Equal([name], await NamesAsync(word));
                await Database.WriteAsync(
                    (transaction, token) => transaction.ExecuteAsync($"delete from repositories where name = {name}", token), default);
                Assert.Empty(await NamesAsync(word));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }
    }

    private async Task<IEnumerable<string>> NamesAsync(string text)
    {
        RepositoryQuery query = new() { Text = text };
        List<string> names = [.. (await Search.FindAsync(Caller.Anonymous, query, default)).Items.Select(row => row.Name)];
        Assert.Equal(names, (await OtherSearch.FindAsync(Caller.Anonymous, query, default)).Items.Select(row => row.Name));
        return names;
    }

    private static async Task<bool> FillAsync(HubTransaction transaction, CancellationToken cancellationToken)
    {
        for (int i = 0; i < 100; i++)
            await transaction.ExecuteAsync($"insert into accounts(name, kind, created_at) values ({"user" + i}, {"user"}, {0})", cancellationToken);
        await transaction.ExecuteAsync(
            $"""
            with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {Repositories})
            insert into repositories(account_id, name, namespace, visibility, description, created_at, pushed_at, pull_count, star_count)
            select n % 100 + 1, 'user' || (n % 100) || '/app' || n, 'user' || (n % 100), case when n / 100 % {PrivateEvery} = 0 then 'private' else 'public' end,
                'An image with the number ' || n, n, n * 7919 % 100003, n * 104729 % 10007, n * 31 % 1009 from numbers
            """, cancellationToken);
        await transaction.ExecuteAsync(
            $"""
            with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {Repositories})
            insert into tags(repository_id, name, manifest_digest, updated_at) select 1, 'v' || n, 'sha256:' || n, n from numbers
            """, cancellationToken);
        return true;
    }

    /// <summary>Everybody may pull what is their own.</summary>
    private sealed class OwnersAccess : IAccessRules
    {
        public ValueTask<RepositoryAccess> OfAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken) =>
            new(caller.IsAdministrator || caller.Name == repository.Namespace ? RepositoryAccess.Pull : RepositoryAccess.None);

        public ValueTask<bool> MayCreateAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken) => new(false);
    }
}
