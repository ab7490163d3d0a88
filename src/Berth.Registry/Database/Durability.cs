namespace Berth.Registry.Database;

/// <summary>What a commit promises.</summary>
public enum Durability
{
    /// <summary>It survives a loss of power.</summary>
    Power,

    /// <summary>
    /// It survives the end of the process; a loss of power may undo it, and whatever was committed after it. Much quicker.
    /// </summary>
    Process,
}
