using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Client;
using Berth.Credentials;
using Console = Berth.Cli.Terminals.Console;

namespace Berth.Cli;

/// <summary>One run of the program: its streams, its environment, its configuration and its engine.</summary>
internal sealed class Session(Console console, IReadOnlyDictionary<string, string> environment) : IDisposable
{
    private EngineClient? _client;
    private ConfigFile? _config;

    /// <summary>The options that stand before the command.</summary>
    public required ParsedCommand Globals { get; init; }

    /// <summary>All that was typed behind the program's name.</summary>
    public IReadOnlyList<string> Typed { get; init; } = [];

    public Console Console => console;

    public IReadOnlyDictionary<string, string> Environment => environment;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public ConfigFile Config => _config ??= ConfigFile.Load(ConfigDirectory, Warn);

    /// <summary>The accounts in the same file, or in the helpers that it names.</summary>
    public DockerConfigFile Accounts => new(Path.Combine(ConfigDirectory, "config.json"));

    public string ConfigDirectory => Globals.String("config") is { Length: > 0 } given ? given
        : Variable("DOCKER_CONFIG") ?? Path.Combine(Home, ".docker");

    public string Home => Variable("HOME") ?? System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile);

    /// <summary>The engine that options, environment and contexts point at.</summary>
    public EngineClient Engine => _client ??= EngineChoice.Connect(this);

    /// <summary>Whether <c>-D</c> or <c>-l debug</c> asks to see the requests.</summary>
    public bool IsDebug => Globals.Bool("debug") || Globals.String("log-level").ToLowerInvariant() is "debug" or "trace";

    /// <summary>A variable's value, or null if it is not set or empty.</summary>
    public string? Variable(string name) => environment.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;

    /// <summary>Why the command failed, as the user was told; empty while it has not.</summary>
    public string CommandError { get; set; } = "";

    /// <summary>Writes to standard output.</summary>
    public void Print(string text) => console.Print(text);

    /// <summary>Writes a line to standard output.</summary>
    public void PrintLine(string text) => console.Print(text + "\n");

    /// <summary>Writes a line to standard error.</summary>
    public void Warn(string text) => console.Warn(text + "\n");

    public void Dispose() => _client?.Dispose();
}
