using Berth.Registry.Accounts;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Accounts;

/// <summary>What holds for wrong passwords on both databases; they arrive at two processes of one hub in turns.</summary>
public abstract class LoginThrottleContract : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));
    private HubDatabase _database = null!;
    private HubDatabase _otherDatabase = null!;
    private LoginThrottle _throttle = null!;
    private LoginThrottle _other = null!;
    private int _turns;

    private protected abstract (HubDatabase First, HubDatabase Second) OpenTwice();

    public async ValueTask InitializeAsync()
    {
        (_database, _otherDatabase) = OpenTwice();
        await _database.MigrateAsync(HubSchema.Steps, _time, default);
        (_throttle, _other) = (new LoginThrottle(_database, _time), new LoginThrottle(_otherDatabase, _time));
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await _otherDatabase.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Failures_OfOnePair_DoubleTheWait()
    {
        await FailAsync("alice", "192.0.2.1", LoginThrottle.PairFailuresMax - 1);
        Assert.Equal(TimeSpan.Zero, await WaitAsync("alice", "192.0.2.1"));
        await FailAsync("alice", "192.0.2.1", 1);
        Assert.Equal(TimeSpan.FromSeconds(2), await WaitAsync("alice", "192.0.2.1"));
        await FailAsync("alice", "192.0.2.1", 1);
        Assert.Equal(TimeSpan.FromSeconds(4), await WaitAsync("alice", "192.0.2.1"));
        await FailAsync("alice", "192.0.2.1", 12);
        Assert.Equal(TimeSpan.FromMinutes(5), await WaitAsync("alice", "192.0.2.1"));
        // Her own computer is elsewhere.
        Assert.Equal(TimeSpan.Zero, await WaitAsync("alice", "198.51.100.7"));
        Assert.Equal(TimeSpan.Zero, await WaitAsync("bob", "192.0.2.1"));
    }

    [Fact]
    public async Task Failures_AtTheSameTime_AreAllCounted()
    {
        await Task.WhenAll(Enumerable.Range(0, LoginThrottle.PairFailuresMax + 4).Select(_ => FailAsync("alice", "192.0.2.1", 1)));
        Assert.Equal(TimeSpan.FromSeconds(32), await WaitAsync("alice", "192.0.2.1"));
    }

    [Fact]
    public async Task Time_EndsTheWait_AndForgets()
    {
        await FailAsync("alice", "192.0.2.1", LoginThrottle.PairFailuresMax);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.Zero, await WaitAsync("alice", "192.0.2.1"));
        _time.Advance(TimeSpan.FromMinutes(16));
        await FailAsync("alice", "192.0.2.1", 1);
        Assert.Equal(TimeSpan.Zero, await WaitAsync("alice", "192.0.2.1"));
        Assert.Equal(3, await RowsAsync());
    }

    [Fact]
    public async Task Success_ClearsThePair_NotTheAddress()
    {
        await FailAsync("alice", "192.0.2.1", LoginThrottle.PairFailuresMax);
        await _other.SucceededAsync("alice", "192.0.2.1", default);
        Assert.Equal(TimeSpan.Zero, await WaitAsync("alice", "192.0.2.1"));
        for (int i = 0; i < LoginThrottle.AddressFailuresMax; i++)
            await FailAsync($"user{i}", "192.0.2.1", 1);
        await _other.SucceededAsync("mallory", "192.0.2.1", default);
        Assert.True(await WaitAsync("carol", "192.0.2.1") > TimeSpan.Zero);
    }

    [Fact]
    public async Task WhoCameInFromAnAddress_IsNotHeldUpByOthersThere()
    {
        await _other.SucceededAsync("alice", "192.0.2.1", default);
        for (int i = 0; i < LoginThrottle.AddressFailuresMax; i++)
            await FailAsync($"user{i}", "192.0.2.1", 1);
        Assert.Equal(TimeSpan.Zero, await WaitAsync("alice", "192.0.2.1"));
        Assert.True(await WaitAsync("bob", "192.0.2.1") > TimeSpan.Zero);
        // Her own password is guessed no faster for that.
        await FailAsync("alice", "192.0.2.1", LoginThrottle.PairFailuresMax);
        Assert.True(await WaitAsync("alice", "192.0.2.1") > TimeSpan.Zero);
        // And not for longer than a day.
        _time.Advance(TimeSpan.FromDays(1));
        for (int i = 0; i < LoginThrottle.AddressFailuresMax; i++)
            await FailAsync($"user{i}", "192.0.2.1", 1);
        Assert.True(await WaitAsync("alice", "192.0.2.1") > TimeSpan.Zero);
    }

    [Fact]
    public async Task Addresses_OfOneNetwork_CountTogether()
    {
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            await FailAsync("alice", $"2001:db8:1:2::{i + 1}", 1);
        Assert.True(await WaitAsync("alice", "2001:db8:1:2:ffff::1") > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, await WaitAsync("alice", "2001:db8:1:3::1"));
        await FailAsync("bob", "::ffff:192.0.2.9", LoginThrottle.PairFailuresMax);
        Assert.True(await WaitAsync("bob", "192.0.2.9") > TimeSpan.Zero);
    }

    [Fact]
    public async Task OneName_FromManyAddresses_IsSlowedAtLast()
    {
        for (int i = 0; i < LoginThrottle.NameFailuresMax; i++)
            await FailAsync("alice", $"198.51.{i / 200}.{i % 200}", 1);
        Assert.True(await WaitAsync("alice", "203.0.113.1") > TimeSpan.Zero);
    }

    [Fact]
    public async Task ManyAddresses_LeaveTheTableBounded_AndTheLatestInIt()
    {
        const int Most = 100;
        var throttle = new LoginThrottle(_database, _time, Most);
        for (int i = 0; i < 5 * LoginThrottle.FailuresPerLook; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            await throttle.FailedAsync("name" + i, $"10.{i >> 8}.{i & 255}.1");
        }
        Assert.InRange(await RowsAsync(), 1, Most + 2);
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            await throttle.FailedAsync("alice", "192.0.2.1");
        Assert.True(await WaitAsync("alice", "192.0.2.1") > TimeSpan.Zero);
    }

    [Fact]
    public async Task Passwords_ThatAreRight_WriteOnceInAnHour()
    {
        await FailAsync("bob", "192.0.2.2", 1);
        await _throttle.SucceededAsync("alice", "192.0.2.1", default);
        DatabaseMark before = await _database.MarkAsync(default);
        Assert.Equal(TimeSpan.Zero, await _throttle.WaitForAsync("alice", "192.0.2.1", default));
        await _throttle.SucceededAsync("alice", "192.0.2.1", default);
        // On PostgreSQL the mark is of all that happens in the server, so only the embedded one tells.
        if (_database.Dialect == Dialect.Sqlite)
            Assert.Equal(before, await _database.MarkAsync(default));
        Assert.Equal(4, await RowsAsync());
    }

    private async Task FailAsync(string name, string address, int times)
    {
        for (int i = 0; i < times; i++)
            await (Interlocked.Increment(ref _turns) % 2 == 0 ? _throttle : _other).FailedAsync(name, address);
    }

    // What both processes say; no wait that is over has a length.
    private async Task<TimeSpan> WaitAsync(string name, string address)
    {
        TimeSpan wait = await _throttle.WaitForAsync(name, address, default);
        Assert.Equal(wait, await _other.WaitForAsync(name, address, default));
        return wait;
    }

    private async Task<long> RowsAsync() => (await _database.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select count(*) from login_failures", token), default))!.Value;
}
