using Berth.Registry.Accounts;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Accounts;

public sealed class LoginThrottleTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly LoginThrottle _throttle;

    public LoginThrottleTests() => _throttle = new LoginThrottle(_time);

    [Fact]
    public void Failures_OfOnePair_DoubleTheWait()
    {
        Fail("alice", "192.0.2.1", LoginThrottle.PairFailuresMax - 1);
        Assert.Equal(TimeSpan.Zero, _throttle.WaitFor("alice", "192.0.2.1"));
        Fail("alice", "192.0.2.1", 1);
        Assert.Equal(TimeSpan.FromSeconds(2), _throttle.WaitFor("alice", "192.0.2.1"));
        Fail("alice", "192.0.2.1", 1);
        Assert.Equal(TimeSpan.FromSeconds(4), _throttle.WaitFor("alice", "192.0.2.1"));
        Fail("alice", "192.0.2.1", 12);
        Assert.Equal(TimeSpan.FromMinutes(5), _throttle.WaitFor("alice", "192.0.2.1"));
        // Her own computer is elsewhere.
        Assert.Equal(TimeSpan.Zero, _throttle.WaitFor("alice", "198.51.100.7"));
        Assert.Equal(TimeSpan.Zero, _throttle.WaitFor("bob", "192.0.2.1"));
    }

    [Fact]
    public void Time_EndsTheWait_AndForgets()
    {
        Fail("alice", "192.0.2.1", LoginThrottle.PairFailuresMax);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(_throttle.WaitFor("alice", "192.0.2.1") <= TimeSpan.Zero);
        _time.Advance(TimeSpan.FromMinutes(16));
        Fail("alice", "192.0.2.1", 1);
        Assert.Equal(TimeSpan.Zero, _throttle.WaitFor("alice", "192.0.2.1"));
    }

    [Fact]
    public void Success_ClearsThePair_NotTheAddress()
    {
        Fail("alice", "192.0.2.1", LoginThrottle.PairFailuresMax);
        _throttle.Succeeded("alice", "192.0.2.1");
        Assert.Equal(TimeSpan.Zero, _throttle.WaitFor("alice", "192.0.2.1"));
        for (int i = 0; i < LoginThrottle.AddressFailuresMax; i++)
            Fail($"user{i}", "192.0.2.1", 1);
        _throttle.Succeeded("mallory", "192.0.2.1");
        Assert.True(_throttle.WaitFor("alice", "192.0.2.1") > TimeSpan.Zero);
    }

    [Fact]
    public void Addresses_OfOneNetwork_CountTogether()
    {
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            Fail("alice", $"2001:db8:1:2::{i + 1}", 1);
        Assert.True(_throttle.WaitFor("alice", "2001:db8:1:2:ffff::1") > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, _throttle.WaitFor("alice", "2001:db8:1:3::1"));
        Fail("bob", "::ffff:192.0.2.9", LoginThrottle.PairFailuresMax);
        Assert.True(_throttle.WaitFor("bob", "192.0.2.9") > TimeSpan.Zero);
    }

    [Fact]
    public void OneName_FromManyAddresses_IsSlowedAtLast()
    {
        for (int i = 0; i < LoginThrottle.NameFailuresMax; i++)
            Fail("alice", $"198.51.{i / 200}.{i % 200}", 1);
        Assert.True(_throttle.WaitFor("alice", "203.0.113.1") > TimeSpan.Zero);
    }

    [Fact]
    public void ManyAddresses_LeaveMemoryBounded()
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 100_000; i++)
            _throttle.Failed("name" + i, $"{10 + (i >> 16)}.{(i >> 8) & 255}.{i & 255}.1");
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 20_000_000, $"{grown} bytes");
    }

    private void Fail(string name, string address, int times)
    {
        for (int i = 0; i < times; i++)
            _throttle.Failed(name, address);
    }
}
