using Microsoft.Extensions.Logging;

namespace Berth.Registry.Accounts.Htpasswd;

/// <summary>The htpasswd file of the setting, as it is now: looked at for each sign-in, and read again when it has changed.</summary>
/// <remarks>
/// While it is away or cannot be read, nobody signs in by it. A file that was written to within the last seconds is read again though its
/// stamp is the same: a second change may fall into the same tick, and <c>htpasswd</c> writes in place, so that the first half may be all
/// that there was.
/// </remarks>
public sealed partial class HtpasswdFile(string path, ILogger<HtpasswdFile> logger)
{
    // Lines that are logged of those that cannot be used.
    private const int LoggedMax = 20;

    private static readonly TimeSpan s_settles = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private State _state = State.None;       // Guarded by _gate.
    private string? _failure;                // Guarded by _gate. What was logged last.
    private HtpasswdRefusal[] _logged = [];  // Guarded by _gate.

    /// <summary>The highest bcrypt cost in it; 0 when it has no entries.</summary>
    public int CostMax => Now().CostMax;

    /// <summary>The entry of a name; null when there is none.</summary>
    public HtpasswdEntry? Find(string name) => Now().Entries.GetValueOrDefault(name);

    /// <summary>Whether a name still has the entry of that mark.</summary>
    public bool Holds(string name, string mark) => Find(name)?.Mark == mark;

    private State Now()
    {
        lock (_gate)
        {
            try
            {
                // Opened, and not asked by its path: it may be a link to a link, as in a Kubernetes secret, which itself never changes.
                using FileStream file = HtpasswdText.Open(path);
                var stamp = new Stamp(File.GetLastWriteTimeUtc(file.SafeFileHandle), file.Length);
                if (stamp != _state.Stamp)
                    Load(file, stamp);
                _failure = null;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException
                or FaultException)
            {
                _state = State.None;
                if (_failure != failure.Message)
                    Log.Unreadable(logger, path, failure.Message);
                _failure = failure.Message;
            }
            return _state;
        }
    }

    // With _gate held.
    private void Load(FileStream file, Stamp stamp)
    {
        HtpasswdText text = HtpasswdText.Load(file, path);
        TimeSpan age = DateTime.UtcNow - stamp.WrittenAt;
        bool isSettled = age < TimeSpan.Zero || age >= s_settles;
        int cost = text.Entries.Values.Select(entry => BcryptHash.TryParse(entry.Hash, out BcryptHash hash) ? hash.Cost : 0)
            .DefaultIfEmpty().Max();
        _state = new State(isSettled ? stamp : null, text.Entries, cost);
        Tell(text);
    }

    private void Tell(HtpasswdText text)
    {
        HtpasswdRefusal[] refused = [.. text.Refusals.Take(LoggedMax)];
        if (refused.SequenceEqual(_logged))
            return;
        foreach (HtpasswdRefusal refusal in refused)
            Log.Refused(logger, path, refusal.Line, refusal.Reason);
        if (text.RefusalCount > refused.Length)
            Log.More(logger, path, text.RefusalCount - refused.Length);
        _logged = refused;
    }

    private sealed record Stamp(DateTime WrittenAt, long Length);

    private sealed record State(Stamp? Stamp, IReadOnlyDictionary<string, HtpasswdEntry> Entries, int CostMax)
    {
        public static State None { get; } = new(null, new Dictionary<string, HtpasswdEntry>(), 0);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 6111, Level = LogLevel.Error, Message = "Nobody signs in by {Path} now: {Reason}")]
        public static partial void Unreadable(ILogger logger, string path, string reason);

        [LoggerMessage(EventId = 6112, Level = LogLevel.Warning, Message = "{Path}: line {Line} is left out: {Reason}")]
        public static partial void Refused(ILogger logger, string path, int line, string reason);

        [LoggerMessage(EventId = 6113, Level = LogLevel.Warning, Message = "{Path}: {Count} more lines are left out")]
        public static partial void More(ILogger logger, string path, int count);
    }
}
