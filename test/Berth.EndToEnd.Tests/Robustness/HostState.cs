using System.Text.Json;
using System.Text.RegularExpressions;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>What an engine has on disk and in the kernel, held against what it shows.</summary>
internal sealed partial class HostState(OwnDaemon daemon)
{
    /// <summary>Waits until nothing is there that belongs to nothing; returns what is still there after a minute.</summary>
    public async Task<IReadOnlyList<string>> LeftoversAsync()
    {
        DateTime end = DateTime.UtcNow.AddMinutes(1);
        while (true)
        {
            List<string> left = await LookAsync();
            if (left.Count == 0 || DateTime.UtcNow > end)
                return left;
            await Task.Delay(50);
        }
    }

    private async Task<List<string>> LookAsync()
    {
        JsonElement[] all = [.. (await daemon.GetAsync("/containers/json?all=1")).EnumerateArray()];
        HashSet<string> ids = [.. all.Select(Id)];
        HashSet<string> running = [.. all.Where(IsRunning).Select(Id)];
        string[] volumes = [.. (await daemon.GetAsync("/volumes")).GetProperty("Volumes").EnumerateArray().Select(Name)];
        JsonElement[] networks = [.. (await daemon.GetAsync("/networks")).EnumerateArray()];
        List<string> left = [];
        Strangers(left, Path.Combine(daemon.ExecRoot, "containers"), running);
        Strangers(left, Path.Combine(daemon.DataRoot, "containers"), ids);
        Strangers(left, Path.Combine(daemon.DataRoot, "volumes"), volumes);
        Strangers(left, Path.Combine(daemon.DataRoot, "layers/w"), ids);
        Strangers(left, Path.Combine(daemon.DataRoot, "layers/tmp"), []);
        Strangers(left, Path.Combine(daemon.DataRoot, "networks"), [.. networks.Select(network => Id(network) + ".json")]);
        foreach (string directory in Directory.GetDirectories(Path.Combine(daemon.DataRoot, "build")))
            Strangers(left, directory, []);
        left.AddRange(Directory.GetFiles(Path.Combine(daemon.DataRoot, "content/ingest"), "new-*"));
        left.AddRange(Directory.GetFileSystemEntries(Path.Combine(daemon.DataRoot, "content"), ".*"));
        left.AddRange(Cgroups().Where(cgroup => !running.Contains(Path.GetFileName(cgroup))));
        left.AddRange(Mounts());
        left.AddRange(Processes(running));
        left.AddRange(await LinksAsync(networks, all));
        left.AddRange(await RulesAsync(all));
        return left;
    }

    /// <summary>Everything that remains when nothing of the engine should.</summary>
    public async Task<IReadOnlyList<string>> EverythingAsync() =>
    [
        .. Cgroups(), .. Mounts(), .. Processes([]),
        .. (await OutputAsync("ip", "-o", "link")).Split('\n').Where(line => line.Contains(daemon.Name, StringComparison.Ordinal)),
        .. (await OutputAsync("nft", "list", "tables")).Split('\n').Where(line => line.Contains(daemon.Name, StringComparison.Ordinal)),
    ];

    private static string Id(JsonElement thing) => thing.GetProperty("Id").GetString()!;

    private static string Name(JsonElement thing) => thing.GetProperty("Name").GetString()!;

    private static bool IsRunning(JsonElement container) => container.GetProperty("State").GetString() is "running" or "paused";

    private static void Strangers(List<string> left, string directory, IEnumerable<string> known)
    {
        HashSet<string> names = [.. known];
        try
        {
            left.AddRange(Directory.GetFileSystemEntries(directory).Where(entry => !names.Contains(Path.GetFileName(entry))));
        }
        catch (DirectoryNotFoundException)
        {
            // The engine, which clears up in the background, has just removed it.
        }
    }

    private IEnumerable<string> Cgroups() => Directory.GetDirectories("/sys/fs/cgroup")
        .Append("/sys/fs/cgroup").Select(hierarchy => Path.Combine(hierarchy, daemon.Name)).Where(Directory.Exists)
        .SelectMany(Directory.GetDirectories);

    private IEnumerable<string> Mounts() =>
        File.ReadAllLines("/proc/self/mountinfo").Where(line => line.Contains(daemon.Root + "/run", StringComparison.Ordinal)
            || line.Contains(daemon.Root + "/lib/", StringComparison.Ordinal));

    // Processes of containers by their cgroup, monitors by their working directory.
    private IEnumerable<string> Processes(HashSet<string> running)
    {
        foreach (string process in Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            string text;
            try
            {
                text = File.ReadAllText(process + "/cgroup") + (new DirectoryInfo(process + "/cwd").LinkTarget ?? "");
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                continue;
            }
            bool isOurs = text.Contains($"/{daemon.Name}/", StringComparison.Ordinal)
                || text.Contains(daemon.ExecRoot + "/containers/", StringComparison.Ordinal);
            if (isOurs && !running.Any(id => text.Contains(id, StringComparison.Ordinal)))
                yield return $"{process}: {text.ReplaceLineEndings(" ")}";
        }
    }

    private async Task<List<string>> LinksAsync(JsonElement[] networks, JsonElement[] containers)
    {
        List<string> left = [];
        HashSet<string> bridges = [daemon.Name];
        foreach (JsonElement network in networks)
            if (network.GetProperty("Options").TryGetProperty("com.docker.network.bridge.name", out JsonElement bridge))
                bridges.Add(bridge.GetString()!);
        int interfaces = 0;
        foreach (string line in (await OutputAsync("ip", "-o", "link")).Split('\n'))
        {
            Match link = LinkLine().Match(line);
            if (!link.Success)
                continue;
            if (bridges.Contains(link.Groups["master"].Value))
                interfaces++;
            string name = link.Groups["name"].Value;
            if (name.StartsWith(daemon.Name, StringComparison.Ordinal) && !bridges.Contains(name))
                left.Add($"bridge {name}");
        }
        int expected = containers.Where(IsRunning).Sum(container =>
            container.GetProperty("NetworkSettings").GetProperty("Networks").EnumerateObject()
                .Count(entry => entry.Name is not ("none" or "host")));
        if (interfaces != expected)
            left.Add($"{interfaces} interfaces on bridges for {expected} end points");
        return left;
    }

    // Published ports: no element may lead to an address that no running container has.
    private async Task<IEnumerable<string>> RulesAsync(JsonElement[] containers)
    {
        HashSet<string> addresses = [.. containers.Where(IsRunning).SelectMany(container => container.GetProperty("NetworkSettings")
            .GetProperty("Networks").EnumerateObject().Select(entry => entry.Value.GetProperty("IPAddress").GetString()!))];
        string table = await OutputAsync("nft", "list", "map", "ip", "berth-" + daemon.Name, "published");
        return Published().Matches(table).Where(match => !addresses.Contains(match.Groups[1].Value)).Select(match => $"rule {match.Value}");
    }

    private async Task<string> OutputAsync(string program, params string[] arguments) =>
        (await Program.RunAsync(program, arguments, daemon.Address)).Output;

    [GeneratedRegex("^\\d+: (?<name>[^:@]+)[@:].*?(?: master (?<master>\\S+))?(?: state|$)")]
    private static partial Regex LinkLine();

    [GeneratedRegex(" : (\\d+\\.\\d+\\.\\d+\\.\\d+) \\. \\d+")]
    private static partial Regex Published();
}
