using Berth.Cli.Parsing;
using Berth.Client;
using Berth.Linux.Files;

namespace Berth.Cli.Configuration;

/// <summary>Decides which engine is meant: -H, -c, BERTH_HOST, DOCKER_HOST, DOCKER_CONTEXT, the current context, the
/// default socket.</summary>
internal static class EngineChoice
{
    public static EngineClient Connect(Session session)
    {
        (EngineAddress address, TlsFiles? tls, bool isDefault) = Choose(session);
        EngineClient client = new(new EngineOptions
        {
            Address = address,
            Tls = tls,
            ApiVersion = session.Variable("DOCKER_API_VERSION")?.TrimStart('v'),
            Headers = session.Config.HttpHeaders,
            Trace = session.IsDebug ? line => session.Warn("DEBUG: " + line) : null,
        });
        if (isDefault)
            client.StartEngine = cancellationToken => EngineStarter.StartAsync(session, address, cancellationToken);
        return client;
    }

    /// <summary>The default socket: the system's for root and for who may use it; else the user's own.</summary>
    public static string DefaultSocket(Session session) => DefaultSocket(
        string.Equals(System.Environment.UserName, "root", StringComparison.Ordinal), session.Variable("XDG_RUNTIME_DIR"),
        session.Variable("HOME") ?? "/", FileCalls.MayWrite);

    /// <summary>The same, of what it depends on. Where the user's own engine listens, that is meant.</summary>
    internal static string DefaultSocket(bool isRoot, string? runtimeDirectory, string home, Func<string, bool> mayUse)
    {
        const string system = "/run/berth/berth.sock";
        if (isRoot)
            return system;
        string own = Path.Combine(
            runtimeDirectory is ['/', ..] ? runtimeDirectory : Path.Combine(home, ".berth/run"), "berth", "berth.sock");
        return !mayUse(own) && mayUse(system) ? system : own;
    }

    /// <summary>The name of the context in force; <c>default</c> when options or variables name the host.</summary>
    public static string ContextName(Session session)
    {
        if (session.Globals.Has("context"))
            return session.Globals.String("context");
        if (session.Globals.Has("host") || session.Variable("BERTH_HOST") is not null || session.Variable("DOCKER_HOST") is not null)
            return "default";
        return session.Variable("DOCKER_CONTEXT") ?? (session.Config.CurrentContext is { Length: > 0 } name ? name : "default");
    }

    /// <summary>The host that options and variables name, or null.</summary>
    public static string? NamedHost(Session session)
    {
        IReadOnlyList<string> hosts = session.Globals.List("host");
        if (hosts.Count > 1)
            throw new CommandException("Specify only one -H");
        return hosts.Count == 1 ? hosts[0] : session.Variable("BERTH_HOST") ?? session.Variable("DOCKER_HOST");
    }

    /// <summary>What a plugin must be told to find the engine that this program would ask; null when it finds it by itself.</summary>
    public static string? HostForPlugins(Session session)
    {
        if (session.Globals.Has("host") || session.Globals.Has("context"))
            return null;
        return session.Variable("BERTH_HOST") ?? (session.Variable("DOCKER_HOST") is null && ContextName(session) == "default"
            ? $"unix://{DefaultSocket(session)}" : null);
    }

    private static (EngineAddress Address, TlsFiles? Tls, bool IsDefault) Choose(Session session)
    {
        if (session.Globals.Has("context") && session.Globals.Has("host"))
            throw new CommandException("conflicting options: cannot specify both --host and --context");
        string context = ContextName(session);
        if (context != "default")
        {
            ContextStore store = new(session.ConfigDirectory);
            if (!store.Exists(context))
                throw new CommandException($"Failed to initialize: unable to resolve docker endpoint: {store.NotFound(context).Message}");
            ContextEndpoint endpoint = store.Load(context).Endpoint;
            return (EngineAddress.Parse(endpoint.Host), endpoint.Tls, false);
        }
        string? host = session.Globals.Has("context") ? null : NamedHost(session);
        return host is null
            ? (EngineAddress.Unix(DefaultSocket(session)), null, true)
            : (EngineAddress.Parse(host), TlsOf(session), false);
    }

    private static TlsFiles? TlsOf(Session session)
    {
        ParsedCommand globals = session.Globals;
        bool verify = globals.Has("tlsverify") ? globals.Bool("tlsverify") : session.Variable("DOCKER_TLS_VERIFY") is not null;
        if (!verify && !globals.Bool("tls") && session.Variable("DOCKER_TLS") is null)
            return null;
        string directory = session.Variable("DOCKER_CERT_PATH") ?? session.ConfigDirectory;
        TlsFiles files = new(
            FileOf("tlscacert", "ca.pem"), FileOf("tlscert", "cert.pem"), FileOf("tlskey", "key.pem"), verify);
        // A certificate of one's own may be missing where it was not named; what is to be verified against may not.
        Require(files.CaPath, verify || globals.Has("tlscacert"));
        Require(files.CertificatePath, globals.Has("tlscert"));
        Require(files.KeyPath, globals.Has("tlskey") || File.Exists(files.CertificatePath));
        return files;

        string FileOf(string flag, string name) => globals.Has(flag) ? globals.String(flag) : Path.Combine(directory, name);
    }

    private static void Require(string? path, bool isNeeded)
    {
        if (isNeeded && !File.Exists(path))
            throw new CommandException($"Failed to initialize: unable to resolve docker endpoint: open {path}: no such file or directory");
    }
}
