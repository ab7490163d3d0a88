using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Berth.Registry.Accounts;

/// <summary>Turns passwords into what may be stored, and compares them with it: Argon2id, which costs a guesser memory.</summary>
/// <remarks>
/// RFC 9106; stored in the PHC string format <c>$argon2id$v=19$m=19456,t=2,p=1$salt$hash</c>, so that the costs can rise later
/// and old hashes still verify, as do bcrypt's of htpasswd files. Only a few computations run at once: a flood of sign-ins waits, and
/// past a bound is refused, instead of taking the machine's memory.
/// <para>A password that is not the one costs the same whatever is stored, and also where nothing is: one computation of Argon2id, and of
/// bcrypt what the costliest hash of any account takes. What a failure's own comparison did not need is computed for nothing.</para>
/// </remarks>
public sealed class PasswordHasher : IDisposable
{
    /// <summary>Longest password in UTF-8 bytes; longer ones are refused before any work is done.</summary>
    public const int PasswordBytesMax = 256;

    /// <summary>Sign-ins that may wait for their turn; the next is refused.</summary>
    public const int WaitingMax = 64;

    // The first recommendation of OWASP's password storage cheat sheet for Argon2id: 19 MiB, two passes, one lane.
    private const int MemoryKibibytes = 19 * 1024;
    private const int Passes = 2;
    private const int SaltBytes = 16;
    private const int HashBytes = 32;
    // Bounds for what is read back: a damaged or planted row must not ask for gigabytes.
    private const int MemoryKibibytesMax = 256 * 1024;
    private const int PassesMax = 16;

    private readonly SemaphoreSlim _turns = new(Math.Clamp(Environment.ProcessorCount, 1, 4));
    private int _waiting;
    private long _argon2;
    private long _bcryptRounds;

    /// <summary>What it has computed.</summary>
    internal PasswordWork Work => new(Interlocked.Read(ref _argon2), Interlocked.Read(ref _bcryptRounds));

    /// <summary>The text to store for a password.</summary>
    /// <exception cref="FaultException">InvalidArgument: too long. Unavailable: too many at once.</exception>
    public async Task<string> HashAsync(string password, CancellationToken cancellationToken)
    {
        if (Encoding.UTF8.GetByteCount(password) > PasswordBytesMax)
            throw FaultException.Invalid($"password: it is longer than {PasswordBytesMax} bytes");
        return await InTurnAsync(() => Task.FromResult(Compute(password)), cancellationToken);
    }

    /// <summary>Whether a password is the one that was stored. Without a stored one the answer is no and takes as long, so that
    /// the time does not tell which names exist.</summary>
    /// <exception cref="FaultException">Unavailable: too many at once.</exception>
    public Task<bool> VerifyAsync(string password, string? stored, CancellationToken cancellationToken) =>
        VerifyAsync(password, stored, bcryptCost: 0, () => Task.CompletedTask, () => Task.CompletedTask, cancellationToken);

    /// <summary>As the other, with what is done in the same turn: of many who guess at once, the later ones know of the earlier.</summary>
    /// <param name="password">The password.</param>
    /// <param name="stored">What it is held against; null: it is not the one.</param>
    /// <param name="bcryptCost">The highest cost of a bcrypt hash that any account has; 0 where none has one.</param>
    /// <param name="admitAsync">Before the work; throws when it is not to be done.</param>
    /// <param name="failedAsync">When it is not the one.</param>
    /// <param name="cancellationToken">Gives up the wait for a turn.</param>
    public async Task<bool> VerifyAsync(
        string password, string? stored, int bcryptCost, Func<Task> admitAsync, Func<Task> failedAsync,
        CancellationToken cancellationToken)
    {
        if (Encoding.UTF8.GetByteCount(password) > PasswordBytesMax)
        {
            await failedAsync();
            return false;
        }
        return await InTurnAsync(
            async () =>
            {
                await admitAsync();
                if (Matches(password, stored, bcryptCost))
                    return true;
                await failedAsync();
                return false;
            }, cancellationToken);
    }

    /// <summary>Whether a stored text was made with other costs than those of today.</summary>
    public static bool IsOutdated(string stored) =>
        !TryParse(stored, out int memory, out int passes, out _, out byte[] hash)
        || memory != MemoryKibibytes || passes != Passes || hash.Length != HashBytes;

    /// <inheritdoc/>
    public void Dispose() => _turns.Dispose();

    private async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > WaitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw FaultException.Unavailable("sign in: too many sign-ins at once: try again in a few seconds");
        }
        try
        {
            await _turns.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
        try
        {
            return await Task.Run(work, CancellationToken.None);
        }
        finally
        {
            _turns.Release();
        }
    }

    private string Compute(string password)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        byte[] hash = Derive(password, salt, MemoryKibibytes, Passes, HashBytes);
        return string.Create(
            CultureInfo.InvariantCulture, $"$argon2id$v=19$m={MemoryKibibytes},t={Passes},p=1${Encode(salt)}${Encode(hash)}");
    }

    private bool Matches(string password, string? stored, int bcryptCost)
    {
        bool isArgon2 = TryParse(stored ?? "", out int memory, out int passes, out byte[] salt, out byte[] hash);
        if (isArgon2 && CryptographicOperations.FixedTimeEquals(hash, Derive(password, salt, memory, passes, hash.Length)))
            return true;
        int cost = 0;
        if (BcryptHash.TryParse(stored ?? "", out BcryptHash bcrypt) && bcrypt.Cost <= BcryptHash.CostMax)
        {
            cost = bcrypt.Cost;
            CountRounds(cost);
            if (bcrypt.IsOf(password))
                return true;
        }
        if (!isArgon2)
            Derive(password, new byte[SaltBytes], MemoryKibibytes, Passes, HashBytes);
        FillUp(password, cost, Math.Min(bcryptCost, BcryptHash.CostMax));
        return false;
    }

    // A computation of each cost from the one that was done up to the highest makes as many rounds together as one of the highest.
    private void FillUp(string password, int done, int highest)
    {
        for (int cost = done == 0 ? highest : done; cost >= BcryptHash.CostMin && cost < (done == 0 ? highest + 1 : highest); cost++)
        {
            CountRounds(cost);
            BcryptHash.Spend(password, cost);
        }
    }

    private void CountRounds(int cost) => Interlocked.Add(ref _bcryptRounds, 1L << cost);

    private byte[] Derive(string password, byte[] salt, int memory, int passes, int length)
    {
        Interlocked.Increment(ref _argon2);
        var argon = new Argon2id(new Argon2Parameters { DegreeOfParallelism = 1, MemorySize = memory, NumberOfPasses = passes });
        return argon.DeriveBytes(Encoding.UTF8.GetBytes(password), salt, length);
    }

    private static bool TryParse(string stored, out int memory, out int passes, out byte[] salt, out byte[] hash)
    {
        (memory, passes, salt, hash) = (0, 0, [], []);
        if (stored.Split('$') is not ["", "argon2id", "v=19", var costs, var saltText, var hashText])
            return false;
        if (costs.Split(',') is not [['m', '=', .. var m], ['t', '=', .. var t], "p=1"]
            || !int.TryParse(m, NumberStyles.None, CultureInfo.InvariantCulture, out memory)
            || !int.TryParse(t, NumberStyles.None, CultureInfo.InvariantCulture, out passes)
            || memory is < 8 or > MemoryKibibytesMax || passes is < 1 or > PassesMax)
            return false;
        return TryDecode(saltText, out salt) && TryDecode(hashText, out hash) && salt.Length == SaltBytes
            && hash.Length is >= 16 and <= 64;
    }

    // PHC strings use the standard alphabet without padding.
    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    private static bool TryDecode(string text, out byte[] bytes)
    {
        byte[] room = new byte[text.Length];
        bool isRead = Base64.IsValid(text + new string('=', (4 - (text.Length % 4)) % 4));
        int written = 0;
        isRead = isRead && Convert.TryFromBase64String(text + new string('=', (4 - (text.Length % 4)) % 4), room, out written);
        bytes = isRead ? room[..written] : [];
        return isRead;
    }
}
