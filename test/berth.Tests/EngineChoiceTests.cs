using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Console = Berth.Cli.Terminals.Console;

namespace Berth.Cli.Tests;

public sealed class EngineChoiceTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("berth-choice-").FullName;

    public EngineChoiceTests()
    {
        ContextStore contexts = new(_home);
        foreach (string name in new[] { "current", "other" })
            contexts.Save(new ContextEntry(name, "", new ContextEndpoint($"unix:///context/{name}", SkipTlsVerify: false, Tls: null)));
    }

    public void Dispose() => Directory.Delete(_home, recursive: true);

    // What the option, the variables and the configuration say, from the strongest to the weakest.
    [Theory]
    [InlineData("unix:///option", "-H unix:///option", "BERTH_HOST=unix:///berth DOCKER_HOST=unix:///docker", "current")]
    [InlineData("unix:///context/other", "-c other", "BERTH_HOST=unix:///berth DOCKER_HOST=unix:///docker", "current")]
    [InlineData("unix:///berth", "", "BERTH_HOST=unix:///berth DOCKER_HOST=unix:///docker DOCKER_CONTEXT=other", "current")]
    [InlineData("unix:///docker", "", "DOCKER_HOST=unix:///docker DOCKER_CONTEXT=other", "current")]
    [InlineData("unix:///docker", "", "BERTH_HOST= DOCKER_HOST=unix:///docker", "current")]
    [InlineData("unix:///context/other", "", "DOCKER_CONTEXT=other", "current")]
    [InlineData("unix:///context/current", "", "", "current")]
    [InlineData("unix:///context/current", "", "BERTH_HOST= DOCKER_HOST= DOCKER_CONTEXT=", "current")]
    [InlineData("default", "-c default", "BERTH_HOST=unix:///berth", "current")]
    [InlineData("default", "", "DOCKER_CONTEXT=default", "current")]
    [InlineData("default", "", "", "")]
    public void Engine_OfSeveralNamed_IsTheStrongest(string expected, string options, string variables, string current)
    {
        if (current.Length > 0)
            File.WriteAllText(_home + "/config.json", $$"""{"currentContext":"{{current}}"}""");
        using Session session = Open(options, variables);
        string address = session.Engine.Address.Text;
        Assert.Equal(expected == "default" ? $"unix://{EngineChoice.DefaultSocket(session)}" : expected, address);
        // An engine is started where nobody has named one, and there alone.
        Assert.Equal(expected == "default", session.Engine.StartEngine is not null);
    }

    [Theory]
    [InlineData("/run/berth/berth.sock", true, "/run/user/7", "")]
    [InlineData("/run/user/7/berth/berth.sock", false, "/run/user/7", "")]
    [InlineData("/home/x/.berth/run/berth/berth.sock", false, null, "")]
    [InlineData("/run/berth/berth.sock", false, "/run/user/7", "/run/berth/berth.sock")]
    [InlineData("/run/user/7/berth/berth.sock", false, "/run/user/7", "/run/berth/berth.sock /run/user/7/berth/berth.sock")]
    public void DefaultSocket_IsTheOneThatTheUserMayUse(string expected, bool isRoot, string? runtime, string usable) =>
        Assert.Equal(expected, EngineChoice.DefaultSocket(isRoot, runtime, "/home/x", path => usable.Split(' ').Contains(path)));

    [Theory]
    [InlineData("-H unix:///a -c other", "conflicting options: cannot specify both --host and --context")]
    [InlineData("-H unix:///a -H unix:///b", "Specify only one -H")]
    [InlineData("-c nosuch", "Failed to initialize: unable to resolve docker endpoint: context \"nosuch\": context not found")]
    public void Engine_NamedWrongly_IsRefused(string options, string message)
    {
        using Session session = Open(options, "");
        Assert.StartsWith(message, Assert.Throws<CommandException>(() => session.Engine).Message);
    }

    private Session Open(string options, string variables)
    {
        ParsedCommand globals = new(GlobalFlags.Command, "berth");
        ArgumentParser.Parse(globals, options.Split(' ', StringSplitOptions.RemoveEmptyEntries), 0);
        Dictionary<string, string> environment = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(static variable => variable.Split('=', 2)).ToDictionary(static pair => pair[0], static pair => pair[1]);
        environment["DOCKER_CONFIG"] = _home;
        return new Session(new Console(Stream.Null, Stream.Null, Stream.Null), environment) { Globals = globals };
    }
}
