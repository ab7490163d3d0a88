namespace Berth.Layers.Trees;

/// <summary>A tree that shows its owners through a user namespace: who is who in there.</summary>
/// <param name="RootUser">The user outside who is root inside.</param>
/// <param name="RootGroup">The group outside that is root's inside.</param>
/// <param name="Inside">What an owner and a group outside are inside.</param>
/// <param name="Outside">What an owner and a group inside are outside.</param>
public sealed record OwnerView(
    uint RootUser, uint RootGroup, Func<uint, uint, (uint Uid, uint Gid)> Inside, Func<uint, uint, (uint Uid, uint Gid)> Outside);
