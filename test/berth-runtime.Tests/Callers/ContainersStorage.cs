namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>Configuration and storage of Podman and Buildah below a directory of the test's own.</summary>
internal static class ContainersStorage
{
    public const string Image = "localhost/berth-caller";

    /// <summary>Writes it; returns the environment that names it.</summary>
    public static Dictionary<string, string> Make(string root)
    {
        File.WriteAllText($"{root}/containers.conf", """
            [containers]
            default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            """);
        File.WriteAllText($"{root}/storage.conf",
            $"[storage]\ndriver = \"vfs\"\nrunroot = \"{root}/run\"\ngraphroot = \"{root}/data\"\n");
        return new Dictionary<string, string>
        {
            ["CONTAINERS_CONF"] = $"{root}/containers.conf", ["CONTAINERS_STORAGE_CONF"] = $"{root}/storage.conf",
        };
    }

    /// <summary>Makes the image of a tree.</summary>
    public static async Task ImportAsync(string root, string tree, IReadOnlyDictionary<string, string> environment)
    {
        await Command.NeedAsync("tar", ["-C", tree, "-cf", $"{root}/tree.tar", "."]);
        await Command.NeedAsync("podman", ["import", $"{root}/tree.tar", Image], environment);
    }
}
