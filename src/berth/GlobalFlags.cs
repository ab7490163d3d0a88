using Berth.Cli.Parsing;

namespace Berth.Cli;

/// <summary>The options that stand before the command.</summary>
internal static class GlobalFlags
{
    public static Command Command { get; } = new()
    {
        Usages = ["[OPTIONS] COMMAND"],
        Description = "Build, run and share containers",
        Arguments = Arguments.Any,
        IsInterspersed = false,
        RunAsync = static (_, _, _) => Task.FromResult(0),
        Flags =
        [
            new("config", "string", "Location of client config files (default \"~/.docker\")"),
            new("context", 'c', "string",
                "Name of the context to use to connect to the daemon (overrides BERTH_HOST and DOCKER_HOST env vars and default "
                + "context set with \"berth context use\")"),
            new("debug", 'D', "bool", "Enable debug mode"),
            new("host", 'H', "list", "Daemon socket to connect to"),
            new("log-level", 'l', "string",
                "Set the logging level (\"debug\", \"info\", \"warn\", \"error\", \"fatal\")", "info"),
            new("tls", "bool", "Use TLS; implied by --tlsverify"),
            new("tlscacert", "string", "Trust certs signed only by this CA (default \"~/.docker/ca.pem\")"),
            new("tlscert", "string", "Path to TLS certificate file (default \"~/.docker/cert.pem\")"),
            new("tlskey", "string", "Path to TLS key file (default \"~/.docker/key.pem\")"),
            new("tlsverify", "bool", "Use TLS and verify the remote"),
            new("version", 'v', "bool", "Print version information and quit"),
        ],
    };
}
