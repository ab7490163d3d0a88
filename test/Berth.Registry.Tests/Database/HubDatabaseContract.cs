using Berth.Faults;
using Berth.Registry.Database;

namespace Berth.Registry.Tests.Database;

/// <summary>What holds for both databases.</summary>
public abstract class HubDatabaseContract : IAsyncLifetime
{
    private static readonly Migration s_counters = new("test", 1, "create table counters(id {identity}, name text unique, value bigint, note {bytes})");

    private HubDatabase _first = null!;
    private HubDatabase _second = null!;

    private protected abstract (HubDatabase First, HubDatabase Second) OpenTwice();

    public async ValueTask InitializeAsync()
    {
        (_first, _second) = OpenTwice();
        // Two processes that start at once migrate at once.
        await Task.WhenAll(new[] { _first, _second }.Select(database =>
            Task.Run(() => database.MigrateAsync([.. RegistrySchema.Steps, s_counters], TimeProvider.System, default))));
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Values_OfEveryKind_ComeBack()
    {
        byte[] note = [0, 1, 255];
        long? id = await _first.WriteAsync((transaction, token) => transaction.NumberAsync(
            $"insert into counters(name, value, note) values ({"it's"}, {long.MaxValue}, {note}) returning id", token), default);
        (long Value, byte[] Note) row = await _second.ReadAsync((transaction, token) => transaction.FirstAsync(
            $"select value, note from counters where id = {id} and name in {new[] { "x", "it's" }}",
            reader => (reader.GetInt64(0), (byte[])reader[1]), token), default);
        Assert.Equal(long.MaxValue, row.Value);
        Assert.Equal(note, row.Note);
    }

    [Fact]
    public async Task Part_OfManyValues_KeepsThemAfterOthers()
    {
        await AddAsync(_first, "parts", 7);
        long[] numbers = [.. Enumerable.Range(0, 30).Select(number => (long)number)];
        foreach (int skipped in new[] { 0, 20 })
        {
            SqlText part = $"value in {numbers.Skip(skipped)} and note is null";
            long? found = await _second.ReadAsync((transaction, token) => transaction.NumberAsync(
                $"select count(*) from counters where name = {"parts"} and value < {8L} and value > {6L} and {part}", token), default);
            Assert.Equal(skipped == 0 ? 1 : 0, found);
        }
    }

    [Fact]
    public async Task Write_ThatRefuses_LeavesNothing()
    {
        await Assert.ThrowsAsync<FaultException>(() => _first.WriteAsync<bool>(
            async (transaction, token) =>
            {
                await transaction.ExecuteAsync($"insert into counters(name, value) values ({"refused"}, {1})", token);
                throw FaultException.Conflict("refused");
            }, default));
        Assert.Null(await CountAsync(_first, "refused"));
    }

    [Fact]
    public async Task Read_ThatTheDatabaseCannotDo_IsUnavailable_AndTheNextOneWorks()
    {
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => _first.ReadAsync(
            (transaction, token) => transaction.NumberAsync($"select value from what_is_not_there", token), default));
        Assert.Equal(FaultKind.Unavailable, fault.Kind);
        Assert.StartsWith("read database: ", fault.Message, StringComparison.Ordinal);
        Assert.Null(await CountAsync(_first, "nobody"));
    }

    [Fact]
    public async Task Writes_FromTwoProcesses_LoseNoUpdate()
    {
        await AddAsync(_first, "shared", 0);
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => AddAsync(i % 2 == 0 ? _first : _second, "shared", 1))));
        Assert.Equal(40, await CountAsync(_second, "shared"));
    }

    [Fact]
    public async Task Mark_ChangesWithEveryCommit_AndStaysWithoutOne()
    {
        await AddAsync(_first, "marked", 0);
        DatabaseMark before = await StayingMarkAsync();
        await AddAsync(_first, "marked", 1);
        DatabaseMark after = await _second.MarkAsync(default);
        Assert.NotEqual(before, after);
        await AddAsync(_second, "marked", 1);
        Assert.NotEqual(after, await _second.MarkAsync(default));
    }

    [Fact]
    public async Task Part_OfAStatement_KeepsItsOwnValues()
    {
        await AddAsync(_first, "part", 7);
        SqlText Condition(string name) => $"name = {name} and value = {7}";
        Assert.Equal(14, await _first.ReadAsync((transaction, token) => transaction.NumberAsync(
            $"select cast(value + {7} as bigint) from counters where {Condition("part")}", token), default));
    }

    [Fact]
    public async Task Migrate_Again_DoesNothing()
    {
        await _first.MigrateAsync([.. RegistrySchema.Steps, s_counters], TimeProvider.System, default);
        Assert.Equal(RegistrySchema.Steps.Count + 1, await _first.ReadAsync(
            (transaction, token) => transaction.NumberAsync($"select count(*) from migrations", token), default));
    }

    // On PostgreSQL the mark also moves with other databases of the server, those of the tests beside this one: it stays as soon as
    // nothing happens there for the time of one query. SQLite's moves with its own database alone.
    private async Task<DatabaseMark> StayingMarkAsync()
    {
        long start = TimeProvider.System.GetTimestamp();
        for (DatabaseMark last = await _second.MarkAsync(default); ;)
        {
            DatabaseMark next = await _second.MarkAsync(default);
            if (next == last)
                return next;
            Assert.Equal(Dialect.PostgreSql, _second.Dialect);
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(60), $"no two marks in a row are equal: {next}");
            last = next;
        }
    }

    private static Task<long?> CountAsync(HubDatabase database, string name) => database.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select value from counters where name = {name}", token), default);

    // Reads, then writes what it has read plus one: without serialisable transactions, updates are lost.
    private static Task<bool> AddAsync(HubDatabase database, string name, long more) => database.WriteAsync(
        async (transaction, token) =>
        {
            long? now = await transaction.NumberAsync($"select value from counters where name = {name}", token);
            if (now is null)
                await transaction.ExecuteAsync($"insert into counters(name, value) values ({name}, {more})", token);
            else
                await transaction.ExecuteAsync($"update counters set value = {now + more} where name = {name}", token);
            return true;
        }, default);
}
