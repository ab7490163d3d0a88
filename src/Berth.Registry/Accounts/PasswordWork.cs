namespace Berth.Registry.Accounts;

/// <summary>What computing hashes has cost, in the units of each function: two sums that are equal took the same kind of time.</summary>
/// <param name="Argon2">Computations of Argon2id with today's costs.</param>
/// <param name="BcryptRounds">Rounds of bcrypt: two to the power of its cost for each computation.</param>
internal readonly record struct PasswordWork(long Argon2, long BcryptRounds)
{
    /// <summary>What was done since.</summary>
    public static PasswordWork operator -(PasswordWork later, PasswordWork earlier) =>
        new(later.Argon2 - earlier.Argon2, later.BcryptRounds - earlier.BcryptRounds);
}
