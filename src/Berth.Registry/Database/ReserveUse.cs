namespace Berth.Registry.Database;

/// <summary>What a change may take of the room that is kept for a full disk: <see cref="DiskReserve"/>.</summary>
public enum ReserveUse
{
    /// <summary>Nothing: on a full disk it is refused.</summary>
    None,

    /// <summary>The first half: somebody signs in, perhaps to delete something. Whoever does that again and again leaves the rest to
    /// those who delete.</summary>
    SignIn,

    /// <summary>All of it: the change makes room, or what follows it does.</summary>
    Freeing,
}
