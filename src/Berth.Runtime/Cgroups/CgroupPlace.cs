namespace Berth.Runtime.Cgroups;

/// <summary>Where in the trees a process of a container is put.</summary>
/// <param name="JoinFiles">As <see cref="Cgroup.JoinFiles"/>.</param>
/// <param name="UnifiedDirectory">As <see cref="Cgroup.UnifiedDirectory"/>.</param>
internal sealed record CgroupPlace(IReadOnlyList<string> JoinFiles, string? UnifiedDirectory);
