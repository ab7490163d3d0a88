using System.Formats.Tar;
using System.Text;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>What users get wrong: the exit code, and a sentence that says what is wrong or what to do, from our own command line and
/// from docker's. The daemon lives, and its stores stay whole.</summary>
[Collection(nameof(RobustnessCollection))]
public sealed class BadInputTests
{
    /// <summary>A mistake: arguments, what is piped in, the exit code, and what the user reads.</summary>
    private sealed record Mistake(string[] Arguments, int Code, string Says, string? Input = null);

    [Theory, InlineData("berth"), InlineData("docker")]
    public async Task Mistakes_HaveACodeAndASentence(string client)
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        Assert.SkipUnless(client != "docker" || File.Exists("/usr/bin/docker"), "docker.io is not installed");
        await using MemoryRegistry registry = new(repositories: 2);
        registry.Add("climber", [Climber()]);
        registry.Lie(path => path.StartsWith("/v2/r1/blobs/", StringComparison.Ordinal));
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        string program = client == "docker" ? "/usr/bin/docker" : EngineFixture.Berth;
        string folder = Prepare(daemon);
        await Program.RunAsync(program, ["build", "-q", "-t", "scripts", folder + "/scripts"], daemon.Address);
        await Program.RunAsync(program, ["run", "-d", "--name", "taken", "-p", "127.0.0.1::80", "bb", "sleep", "100000"], daemon.Address);
        string port = (await Program.RunAsync(program, ["port", "taken"], daemon.Address)).Output.Trim().Split(':')[^1];
        List<string> wrong = [];
        foreach (Mistake mistake in Mistakes(client, registry.Host, port, folder))
        {
            Completed end = await Program.RunAsync(program, mistake.Arguments, daemon.Address, mistake.Input);
            string said = end.Output + end.Errors;
            bool isRight = end.Code == mistake.Code && said.Contains(mistake.Says, StringComparison.OrdinalIgnoreCase);
            if (!isRight)
                wrong.Add($"{client} {string.Join(' ', mistake.Arguments)}: {end.Code}, not {mistake.Code} with \"{mistake.Says}\":\n{said}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        // Nothing of the failed ones stayed, and it works as before.
        Completed names = await Program.RunAsync(program, ["images", "--format", "{{.Repository}}"], daemon.Address);
        Assert.Equal(["bb", "scripts"], names.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        Assert.Equal("works\n", (await Program.RunAsync(program, ["run", "--rm", "bb", "echo", "works"], daemon.Address)).Output);
        Assert.DoesNotContain(" fail: ", daemon.Errors, StringComparison.Ordinal);
        await Program.RunAsync(program, ["rm", "-f", "taken"], daemon.Address);
    }

    [Fact]
    public async Task Build_OfAFolderWithoutPermission_NamesIt()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        // Nobody may reach the engine and the program, but not all of the context.
        const UnixFileMode All = (UnixFileMode)0x1ED;
        File.SetUnixFileMode(daemon.Root, All);
        File.SetUnixFileMode(daemon.Socket, (UnixFileMode)0x1B6);
        string folder = Directory.CreateDirectory(daemon.Root + "/context").FullName;
        await File.WriteAllTextAsync(folder + "/Dockerfile", "FROM bb\nCOPY . /\n", TestContext.Current.CancellationToken);
        Directory.CreateDirectory(folder + "/secret", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string berth = daemon.Root + "/berth";
        await Executable.CopyAsync(EngineFixture.Berth, berth);
        foreach (string client in new[] { berth, "/usr/bin/docker" }.Where(File.Exists))
        {
            Completed refused = await Program.RunAsync(
                "setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", "env", $"HOME={daemon.Root}", client, "build", folder],
                daemon.Address);
            Assert.Equal(1, refused.Code);
            Assert.Contains(folder + "/secret'", refused.Errors);
            Assert.Matches("no permission to read|can't stat", refused.Errors);
        }
    }

    private static IEnumerable<Mistake> Mistakes(string client, string registry, string port, string folder) =>
    [
        new(["pull", $"{registry}/nothere"], 1, "nothere"),
        new(["run", "--rm", $"{registry}/nothere"], 125, "nothere"),
        new(["run", "--rm", "Wrong//Reference"], 125, "invalid reference format"),
        new(["pull", "127.0.0.1:9/down"], 1, "refused"),
        new(["login", "-u", "me", "-p", "wrong", "127.0.0.1:9"], 1, "refused"),
        new(["pull", $"{registry}/r1"], 1, "the registry sent"),
        new(["pull", $"{registry}/climber"], 1, ".."),
        new(["run", "--rm", "--name", "taken", "bb", "true"], 125, "You have to remove (or rename) that container"),
        new(["run", "--rm", "-p", $"127.0.0.1:{port}:80", "bb", "true"], 125, "port is already allocated"),
        new(["run", "--rm", "bb", "nosuchprogram"], 127, "executable file not found in $PATH"),
        new(["run", "--rm", "bb", "/data"], 126, "permission denied"),
        new(["run", "--rm", "scripts", "/crlf.sh"], 127, "sed -i"),
        new(["run", "--rm", "scripts", "/plain.txt"], 126, "permission denied"),
        new(["run", "--rm", "scripts", "/nothing.sh"], client == "docker" ? 125 : 126, "begin a script with a line such as #!/bin/sh"),
        new(["run", "--rm", "scripts", "/other.sh"], 127, "interpreter"),
        new(["run", "--rm", "-w", "relative", "bb", "true"], 125, "absolute"),
        new(["run", "--rm", "-u", "nobodyknows", "bb", "true"], 125, "no matching entries in passwd file"),
        new(["run", "--rm", "--network", "nowhere", "bb", "true"], 125, "network nowhere not found"),
        new(["run", "--rm", "-m", "1", "bb", "true"], 125, "minimum"),
        new(["exec", "nobody", "true"], 1, "No such container: nobody"),
        new(["exec", "taken", "nosuchprogram"], 127, "executable file not found in $PATH"),
        new(["rmi", "nosuchimage"], 1, "No such image: nosuchimage"),
        new(["rm", "taken"], 1, "stop the container before"),
        new(["build", folder + "/typo"], 1, "unknown instruction: CPOY"),
        new(["build", folder + "/missing"], 1, "nosuchfile"),
        new(["build", folder + "/nofrom"], 1, "no build stage"),
        new(["build", folder + "/nobase"], 1, "nosuchbase"),
        new(["build", folder + "/empty"], 1, "Dockerfile"),
        new(["build", folder + "/nowhere"], 1, "nowhere"),
        new(["build", folder + "/fails"], 7, "returned a non-zero code: 7"),
        new(["load"], 1, "", "this is no archive"),
        new(["import", "-"], 1, "", "this is no archive"),
    ];

    private static string Prepare(OwnDaemon daemon)
    {
        string folder = Path.Combine(daemon.Root, "contexts");
        Write("scripts/Dockerfile", "FROM bb\nCOPY *.sh plain.txt /\nRUN chmod 755 /*.sh && chmod 644 /plain.txt\n".Replace(
            "chmod", "busybox chmod", StringComparison.Ordinal));
        Write("scripts/crlf.sh", "#!/bin/sh\r\necho never\r\n");
        Write("scripts/nothing.sh", "echo never\n");
        Write("scripts/other.sh", "#!/usr/bin/perl6\n");
        Write("scripts/plain.txt", "text\n");
        Write("typo/Dockerfile", "FROM bb\nCPOY a b\n");
        Write("missing/Dockerfile", "FROM bb\nCOPY nosuchfile /\n");
        Write("nofrom/Dockerfile", "RUN true\n");
        Write("nobase/Dockerfile", "FROM 127.0.0.1:9/nosuchbase\n");
        Write("fails/Dockerfile", "FROM bb\nRUN exit 7\n");
        Directory.CreateDirectory(folder + "/empty");
        return folder;

        void Write(string name, string text)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
    }

    // A layer whose file is to land beside the root.
    private static byte[] Climber()
    {
        MemoryStream tar = new();
        using (TarWriter writer = new(tar, leaveOpen: true))
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "../../escaped")
            {
                DataStream = new MemoryStream(Encoding.ASCII.GetBytes("escaped")),
            });
        return tar.ToArray();
    }
}
