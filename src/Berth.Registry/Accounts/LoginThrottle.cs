using Berth.Registry.Access;
using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Accounts;

/// <summary>Slows the guessing of passwords: counts failures by name and address together, by name and by address, and says
/// how long to wait once there were too many.</summary>
/// <remarks>
/// In the database, so that a guesser gains nothing by going from one process of a hub to the next. A failure writes, and of a name
/// and an address one success in an hour; what was read is kept while the database does not change. Bounded: an attacker with many
/// addresses makes the oldest entries go, never the table grow. Whoever came in from an address within a day is not held up by what
/// others do there: a class sits behind one address, and its first lesson has more mistakes than a guesser needs. Counts by name alone
/// have a far higher limit, because whoever knows a name could otherwise lock its owner out. Wrong personal and robot tokens, which are
/// too long to be guessed, count by address alone and apart from passwords: a machine that goes on with a revoked token keeps nobody
/// beside it from signing in, and a right token never waits.
/// </remarks>
public sealed class LoginThrottle(HubDatabase database, TimeProvider time, int entriesMax = LoginThrottle.EntriesMax)
{
    /// <summary>Failures from one address for one name before the first wait.</summary>
    public const int PairFailuresMax = 5;

    /// <summary>Failures from one address, whatever the names, before the first wait.</summary>
    public const int AddressFailuresMax = 100;

    /// <summary>Failures for one name, from wherever, before the first wait.</summary>
    public const int NameFailuresMax = 100;

    /// <summary>Wrong tokens from one address before the first wait.</summary>
    public const int TokenFailuresMax = 30;

    /// <summary>Wrong tokens that one process counts in a minute, from wherever: unlike a password's, their proof costs nothing, and each
    /// that is counted is written down.</summary>
    public const int TokenFailuresPerMinuteMax = 120;

    /// <summary>Entries remembered.</summary>
    public const int EntriesMax = 20_000;

    /// <summary>Failures between two looks at whether there are more entries than that.</summary>
    internal const int FailuresPerLook = 64;

    // Who was looked up since the database changed last.
    private const int KnownMax = 10_000;

    // What an entry counts, as its key begins.
    private const char AddressMark = 'a';
    private const char NameMark = 'n';
    private const char PairMark = 'p';
    private const char TokenMark = 't';

    // No failure, but when a name came in from an address.
    private const char KnownMark = 'k';

    private static readonly TimeSpan s_forget = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan s_known = TimeSpan.FromDays(1);
    private static readonly TimeSpan s_noteAgain = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_firstWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(5);

    private readonly MarkedCache<(string Name, string Network), List<Entry>> _known = new(database, KnownMax);
    private readonly MarkedCache<string, List<Entry>> _knownTokens = new(database, KnownMax);
    private readonly Lock _gate = new();
    private DateTimeOffset _minuteEndsAt = DateTimeOffset.MinValue; // Guarded by _gate.
    private int _tokenFailures;                                     // Guarded by _gate: in this minute.
    private int _failures;

    /// <summary>How long this name must wait from this address; zero when it may try now.</summary>
    public async ValueTask<TimeSpan> WaitForAsync(string name, string? address, CancellationToken cancellationToken)
    {
        string network = ClientNetwork.Of(address);
        DateTimeOffset now = time.GetUtcNow();
        TimeSpan longest = TimeSpan.Zero;
        List<Entry> entries = await _known.GetAsync((name, network), ReadAsync, cancellationToken);
        bool cameIn = entries.Exists(entry => entry.Mark == KnownMark && now - entry.LastAt < s_known);
        foreach (Entry entry in entries)
        {
            if (entry.Mark == KnownMark || (cameIn && entry.Mark == AddressMark))
                continue;
            TimeSpan wait = entry.LastAt + Penalty(entry.Failures, LimitOf(entry.Mark)) - now;
            longest = wait > longest ? wait : longest;
        }
        return longest;
    }

    /// <summary>Counts a wrong password, also of a client that has gone away: it might have seen how long the answer took.</summary>
    /// <exception cref="FaultException">Unavailable: the database cannot be written. Nobody is told then whether a password was
    /// right.</exception>
    public Task FailedAsync(string name, string? address) => CountAsync(KeysOf(name, ClientNetwork.Of(address)));

    /// <summary>Counts a wrong token. Where there were too many from its address, or from everywhere in this minute, nothing is written:
    /// a flood of them must not become one of changes of the database.</summary>
    /// <returns>How long its address must wait; zero when it was counted.</returns>
    /// <exception cref="FaultException">Unavailable: the database cannot be written.</exception>
    public async Task<TimeSpan> TokenFailedAsync(string? address)
    {
        string key = $"{TokenMark}\n{ClientNetwork.Of(address)}";
        DateTimeOffset now = time.GetUtcNow();
        foreach (Entry entry in await _knownTokens.GetAsync(key, (one, token) => ReadAsync([one], token), CancellationToken.None))
        {
            TimeSpan wait = entry.LastAt + Penalty(entry.Failures, TokenFailuresMax) - now;
            if (wait > TimeSpan.Zero)
                return wait;
        }
        lock (_gate)
        {
            if (now >= _minuteEndsAt)
                (_minuteEndsAt, _tokenFailures) = (now + TimeSpan.FromMinutes(1), 0);
            if (++_tokenFailures > TokenFailuresPerMinuteMax)
                return _minuteEndsAt - now;
        }
        await CountAsync([key]);
        return TimeSpan.Zero;
    }

    private Task CountAsync(string[] keys)
    {
        bool looks = Interlocked.Increment(ref _failures) % FailuresPerLook == 0;
        return database.WriteAsync(
            Durability.Process,
            async (transaction, token) =>
            {
                long now = time.GetUtcNow().ToUnixTimeMilliseconds();
                long old = now - (long)s_forget.TotalMilliseconds;
                long stranger = now - (long)s_known.TotalMilliseconds;
                await transaction.ExecuteAsync(
                    $"delete from login_failures where last_at < {old} and (key not like {KnownMark + "%"} or last_at < {stranger})", token);
                // In one order for everybody: two who lock the same rows the other way round would wait for each other.
                foreach (string key in keys)
                {
                    await transaction.ExecuteAsync(
                        $"""
                        insert into login_failures(key, failures, last_at) values ({key}, 1, {now})
                        on conflict(key) do update set failures = login_failures.failures + 1, last_at = excluded.last_at
                        """, token);
                }
                if (looks)
                    await transaction.ExecuteAsync(
                        $"""
                        delete from login_failures where last_at < (
                            select last_at from login_failures order by last_at desc limit 1 offset {entriesMax - 1})
                        """, token);
                return true;
            }, CancellationToken.None);
    }

    /// <summary>Forgets the failures of a name from an address: its owner came in.</summary>
    public async ValueTask SucceededAsync(string name, string? address, CancellationToken cancellationToken)
    {
        string network = ClientNetwork.Of(address);
        // Neither the address's nor the name's count: a guesser with one good account must not clear them.
        List<Entry> entries = await _known.GetAsync((name, network), ReadAsync, cancellationToken);
        string pair = PairKey(name, network);
        bool failed = entries.Exists(entry => entry.Mark == PairMark);
        DateTimeOffset now = time.GetUtcNow();
        bool isNoted = entries.Exists(entry => entry.Mark == KnownMark && now - entry.LastAt < s_noteAgain);
        if (!failed && isNoted)
            return;
        await database.NoteAsync(
            async (transaction, token) =>
            {
                await transaction.ExecuteAsync($"delete from login_failures where key = {pair}", token);
                return await transaction.ExecuteAsync(
                    $"""
                    insert into login_failures(key, failures, last_at) values ({KnownKey(name, network)}, 0, {now.ToUnixTimeMilliseconds()})
                    on conflict(key) do update set last_at = excluded.last_at
                    """, token);
            }, cancellationToken);
    }

    private Task<List<Entry>> ReadAsync((string Name, string Network) who, CancellationToken cancellationToken) =>
        ReadAsync([.. KeysOf(who.Name, who.Network), KnownKey(who.Name, who.Network)], cancellationToken);

    private Task<List<Entry>> ReadAsync(string[] keys, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"select key, failures, last_at from login_failures where key in {keys}",
            row => new Entry(row.GetString(0), row.GetInt64(1), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2))), token),
        cancellationToken);

    // Doubles with each failure past the limit: 2, 4, 8 … 300 seconds.
    private static TimeSpan Penalty(long failures, int limit)
    {
        long past = failures - limit;
        if (past < 0)
            return TimeSpan.Zero;
        double seconds = s_firstWait.TotalSeconds * Math.Pow(2, Math.Min(past, 20));
        return TimeSpan.FromSeconds(Math.Min(seconds, s_longestWait.TotalSeconds));
    }

    private static string[] KeysOf(string name, string network) =>
        [$"{AddressMark}\n{network}", $"{NameMark}\n{name}", PairKey(name, network)];

    private static int LimitOf(char mark) => mark switch
    {
        AddressMark => AddressFailuresMax,
        NameMark => NameFailuresMax,
        _ => PairFailuresMax,
    };

    private static string KnownKey(string name, string network) => $"{KnownMark}\n{network}\n{name}";

    private static string PairKey(string name, string network) => $"{PairMark}\n{network}\n{name}";

    private sealed record Entry(string Key, long Failures, DateTimeOffset LastAt)
    {
        public char Mark => Key[0];
    }
}
