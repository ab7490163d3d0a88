using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Berth.Tests;

namespace Berth.EndToEnd.Tests;

/// <summary>The same commands against our engine and against Debian's dockerd. What differs must stand, with its reason, in
/// docs/compatibility.md; what stands there as the same must be the same.</summary>
public sealed partial class CommandComparisonTests(EngineFixture engine, DebianEngineFixture debian)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("/usr/bin/docker")]
    [InlineData("/usr/local/bin/docker")]
    public async Task Commands_AgainstDockerd_DifferOnlyWhereThePageSaysSo(string client)
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists(client), $"{client} is not installed");
        await debian.NeedAsync(engine);
        IReadOnlyDictionary<string, bool> expected = Page();
        List<string> wrong = [];
        string directory = Directory.CreateTempSubdirectory("berth-compare-").FullName;
        (string ours, string theirs) = (FreeNetworks.Take(), FreeNetworks.Take());
        try
        {
            foreach ((string name, string script) in Cases())
            {
                string here = await RunAsync(client, script, engine.Address, directory, ours);
                string there = await RunAsync(client, script, debian.Address, directory, theirs);
                if (!expected.TryGetValue(name, out bool isSame))
                    wrong.Add($"{name}: has no row");
                else if (isSame && here != there)
                    wrong.Add($"{name}: differs\n--- berth\n{here}\n--- dockerd\n{there}");
                else if (!isSame && Recorded(client, name, here) is { } answer && answer != here)
                    wrong.Add($"{name}: is not as recorded\n--- now\n{here}\n--- recorded\n{answer}");
            }
            string[] gone = [.. expected.Keys.Except(Cases().Select(one => one.Name))];
            Assert.True(wrong.Count == 0 && gone.Length == 0, $"{string.Join("\n\n", wrong)}\nrows without a case: {string.Join(", ", gone)}");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Where we differ, what we answer stands in test/clients/answers; BERTH_RECORD=1 writes it anew. Not in git, and so not compared, are
    // rows whose answers depend on the host or on what other tests do with the engine meanwhile.
    private static string? Recorded(string client, string name, string now)
    {
        string version = client.Contains("/local/", StringComparison.Ordinal) ? "newer" : "debian";
        string file = Path.Combine(EngineFixture.Repository, "test/clients/answers", $"{name.Replace(' ', '-')}.{version}.txt");
        if (Environment.GetEnvironmentVariable("BERTH_RECORD") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, now + "\n");
        }
        return File.Exists(file) ? File.ReadAllText(file)[..^1] : null;
    }

    // The cases of test/clients/commands.txt.
    private static IReadOnlyList<(string Name, string Script)> Cases() =>
        [.. CaseStart().Split(File.ReadAllText(Path.Combine(EngineFixture.Repository, "test/clients/commands.txt"))).Skip(1)
            .Chunk(2).Select(pair => (pair[0], pair[1].Trim()))];

    // The page's rows: | case | same or differs: why |.
    private static IReadOnlyDictionary<string, bool> Page() =>
        Row().Matches(File.ReadAllText(Path.Combine(EngineFixture.Repository, "docs/compatibility.md")))
            .ToDictionary(row => row.Groups[1].Value, row => row.Groups[2].Value == "same");

    private static async Task<string> RunAsync(string client, string script, string address, string directory, string network)
    {
        string port = FreePort.Next().ToString();
        var start = new ProcessStartInfo("/bin/bash")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            ArgumentList = { "-c", script.Replace("$D", client, StringComparison.Ordinal) },
            Environment =
            {
                ["DOCKER_HOST"] = address, ["DOCKER_BUILDKIT"] = "0", ["TMP"] = directory, ["NET"] = network, ["PORT"] = port,
            },
        };
        using Process shell = Process.Start(start)!;
        shell.StandardInput.Close();
        using var patience = new CancellationTokenSource(s_patience);
        Task<string> output = shell.StandardOutput.ReadToEndAsync(patience.Token);
        Task<string> errors = shell.StandardError.ReadToEndAsync(patience.Token);
        await shell.WaitForExitAsync(patience.Token);
        return Normal($"{await output}\n{await errors}", port, network);
    }

    // What is made up anew each time is one word; letters are small, since versions differ in how they begin a sentence.
    private static string Normal(string text, string port, string network)
    {
        // As numbers of their own: the digits of a port stand in one of some hundred IDs, and 10.214.8 begins 10.214.81.2, too.
        string words = Regex.Replace(Regex.Replace(text, $@"\b{port}\b", "PORT"), $@"\b{Regex.Escape(network)}\b", "NET");
        string here = words.Replace(Environment.CurrentDirectory, "HERE", StringComparison.Ordinal);
        string all = Volatile().Replace(here, "ID").ToLowerInvariant();
        return string.Join('\n', all.Replace("failed to create task for container: ", "", StringComparison.Ordinal)
            .Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0 && !Noise().IsMatch(line)));
    }

    [GeneratedRegex(@"^([a-z][a-z -]*) :: ", RegexOptions.Multiline)]
    private static partial Regex CaseStart();

    [GeneratedRegex(@"^\| `([a-z][a-z -]*)` \| (same|differs)", RegexOptions.Multiline)]
    private static partial Regex Row();

    // What the client says of its own races, and its advice.
    [GeneratedRegex(@"error waiting for container|tar: io: |tar writer: io: |^(see|run) 'docker")]
    private static partial Regex Noise();

    [GeneratedRegex(@"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b|\b(127\.0\.0\.1:)\d{4,5}\b|(?<=endpoint )[a-z]+_[a-z0-9]+|/tmp/berth-compare-\w+")]
    private static partial Regex Volatile();
}
