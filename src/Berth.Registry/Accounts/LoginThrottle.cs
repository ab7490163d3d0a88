using System.Net;

namespace Berth.Registry.Accounts;

/// <summary>Slows the guessing of passwords: counts failures by name and address together, by name and by address, and says
/// how long to wait once there were too many.</summary>
/// <remarks>
/// In memory and bounded: an attacker with many addresses makes the oldest entries go, never the memory grow. Counts by name alone
/// have a far higher limit, because whoever knows a name could otherwise lock its owner out. Personal and robot tokens are
/// too long to be guessed and do not count by name.
/// </remarks>
public sealed class LoginThrottle(TimeProvider time)
{
    /// <summary>Failures from one address for one name before the first wait.</summary>
    public const int PairFailuresMax = 5;

    /// <summary>Failures from one address, whatever the names, before the first wait.</summary>
    public const int AddressFailuresMax = 30;

    /// <summary>Failures for one name, from wherever, before the first wait.</summary>
    public const int NameFailuresMax = 100;

    /// <summary>Entries remembered.</summary>
    public const int EntriesMax = 20_000;

    private static readonly TimeSpan s_forget = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan s_firstWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal); // Guarded by _gate.
    private readonly LinkedList<Entry> _order = new(); // Guarded by _gate; the latest failure is last.

    /// <summary>How long this name must wait from this address; zero when it may try now.</summary>
    public TimeSpan WaitFor(string name, string? address)
    {
        DateTimeOffset now = time.GetUtcNow();
        TimeSpan longest = TimeSpan.Zero;
        lock (_gate)
        {
            foreach ((string key, int limit) in KeysOf(name, address))
            {
                if (!_entries.TryGetValue(key, out LinkedListNode<Entry>? node))
                    continue;
                TimeSpan wait = node.Value.LastAt + Penalty(node.Value.Failures, limit) - now;
                longest = wait > longest ? wait : longest;
            }
        }
        return longest;
    }

    /// <summary>Counts a wrong password.</summary>
    public void Failed(string name, string? address)
    {
        DateTimeOffset now = time.GetUtcNow();
        lock (_gate)
        {
            ForgetBefore(now - s_forget);
            foreach ((string key, _) in KeysOf(name, address))
            {
                int failures = 1;
                if (_entries.Remove(key, out LinkedListNode<Entry>? node))
                {
                    failures = node.Value.Failures + 1;
                    _order.Remove(node);
                }
                _entries[key] = _order.AddLast(new Entry(key, failures, now));
            }
            while (_entries.Count > EntriesMax)
                RemoveOldest();
        }
    }

    /// <summary>Forgets the failures of a name from an address: its owner came in.</summary>
    public void Succeeded(string name, string? address)
    {
        lock (_gate)
        {
            // Neither the address's nor the name's count: a guesser with one good account must not clear them.
            if (_entries.Remove(PairKey(name, Network(address)), out LinkedListNode<Entry>? node))
                _order.Remove(node);
        }
    }

    // Doubles with each failure past the limit: 2, 4, 8 … 300 seconds.
    private static TimeSpan Penalty(int failures, int limit)
    {
        int past = failures - limit;
        if (past < 0)
            return TimeSpan.Zero;
        double seconds = s_firstWait.TotalSeconds * Math.Pow(2, Math.Min(past, 20));
        return TimeSpan.FromSeconds(Math.Min(seconds, s_longestWait.TotalSeconds));
    }

    private static IEnumerable<(string Key, int Limit)> KeysOf(string name, string? address)
    {
        string network = Network(address);
        yield return (PairKey(name, network), PairFailuresMax);
        yield return ($"a\n{network}", AddressFailuresMax);
        yield return ($"n\n{name}", NameFailuresMax);
    }

    private static string PairKey(string name, string network) => $"p\n{network}\n{name}";

    // One customer has a whole /64 of IPv6 addresses.
    private static string Network(string? address)
    {
        if (!IPAddress.TryParse(address, out IPAddress? parsed))
            return "";
        if (parsed.IsIPv4MappedToIPv6)
            parsed = parsed.MapToIPv4();
        return parsed.AddressFamily is System.Net.Sockets.AddressFamily.InterNetworkV6
            ? Convert.ToHexStringLower(parsed.GetAddressBytes().AsSpan(0, 8))
            : parsed.ToString();
    }

    private void ForgetBefore(DateTimeOffset limit)
    {
        while (_order.First is { } first && first.Value.LastAt < limit)
            RemoveOldest();
    }

    private void RemoveOldest()
    {
        _entries.Remove(_order.First!.Value.Key);
        _order.RemoveFirst();
    }

    private readonly record struct Entry(string Key, int Failures, DateTimeOffset LastAt);
}
