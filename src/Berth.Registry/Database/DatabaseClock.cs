namespace Berth.Registry.Database;

/// <summary>Compares this machine's clock with that of the database, which all processes of a hub share.</summary>
internal static class DatabaseClock
{
    /// <summary>From here on operators are told: tokens of a process are believed by the others while their clocks differ by less than
    /// <see cref="Tokens.BearerTokens.ClockSkew"/>, and each of two may be off.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(10);

    /// <summary>How far this clock is ahead of the database's; null where the database is a file on this machine.</summary>
    public static async Task<TimeSpan?> AheadAsync(HubDatabase database, TimeProvider time, CancellationToken cancellationToken)
    {
        if (database.Dialect != Dialect.PostgreSql)
            return null;
        long asked = time.GetUtcNow().ToUnixTimeMilliseconds();
        long there = await database.ReadAsync(
            (session, token) => session.NumberAsync($"select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)", token),
            cancellationToken).ConfigureAwait(false) ?? asked;
        long answered = time.GetUtcNow().ToUnixTimeMilliseconds();
        // What lies between question and answer is no difference.
        return TimeSpan.FromMilliseconds(there < asked ? asked - there : Math.Min(answered - there, 0));
    }
}
