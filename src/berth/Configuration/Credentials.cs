using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Parsing;

namespace Berth.Cli.Configuration;

/// <summary>Registry accounts in <c>config.json</c> or in a credential helper, as Docker keeps them.</summary>
internal static class Credentials
{
    /// <summary>Docker Hub's key in <c>auths</c>.</summary>
    public const string HubServer = "https://index.docker.io/v1/";

    /// <summary>The value of <c>X-Registry-Auth</c> for a registry; of an empty account if there is none.</summary>
    public static async Task<string> HeaderAsync(Session session, string registry, CancellationToken cancellationToken)
    {
        JsonObject? account = await FindAsync(session, Key(registry), cancellationToken);
        byte[] json = Encoding.UTF8.GetBytes(account?.ToJsonString() ?? "{}");
        return Convert.ToBase64String(json).Replace('+', '-').Replace('/', '_');
    }

    /// <summary>The value of <c>X-Registry-Config</c>: every account known, by server.</summary>
    public static async Task<string> AllHeaderAsync(Session session, CancellationToken cancellationToken)
    {
        JsonObject all = [];
        IEnumerable<string> servers = session.Config.Section("auths").Select(static p => p.Key).Concat(session.Config.Map("credHelpers").Keys);
        foreach (string server in servers.Distinct())
        {
            if (await FindAsync(session, server, cancellationToken) is { } account)
                all[server] = account;
        }
        return Convert.ToBase64String(Encoding.UTF8.GetBytes(all.ToJsonString())).Replace('+', '-').Replace('/', '_');
    }

    public static string Key(string registry) => registry is "docker.io" or "index.docker.io" ? HubServer : registry;

    public static async Task<JsonObject?> FindAsync(Session session, string server, CancellationToken cancellationToken)
    {
        if (Helper(session, server) is { } helper)
        {
            (int code, string output) = await HelperAsync(helper, "get", server, cancellationToken);
            if (code != 0)
                return null;
            JsonNode? answer = JsonNode.Parse(output);
            string user = (string?)answer?["Username"] ?? "";
            string secret = (string?)answer?["Secret"] ?? "";
            return user == "<token>" ? new JsonObject { ["identitytoken"] = secret, ["serveraddress"] = server } : Account(user, secret, server);
        }
        JsonObject auths = session.Config.Section("auths");
        JsonNode? entry = auths[server] ?? auths.FirstOrDefault(p => Host(p.Key) == Host(server)).Value;
        if (entry is not JsonObject found)
            return null;
        if ((string?)found["identitytoken"] is { Length: > 0 } token)
            return new JsonObject { ["identitytoken"] = token, ["serveraddress"] = server };
        string[] pair = Decode((string?)found["auth"] ?? "").Split(':', 2);
        return pair.Length == 2 ? Account(pair[0], pair[1].TrimEnd('\0'), server) : null;
    }

    public static async Task StoreAsync(Session session, string server, string user, string secret, CancellationToken cancellationToken)
    {
        if (Helper(session, server) is { } helper)
        {
            string body = new JsonObject { ["ServerURL"] = server, ["Username"] = user, ["Secret"] = secret }.ToJsonString();
            (int code, string output) = await HelperAsync(helper, "store", body, cancellationToken);
            if (code != 0)
                throw new CommandException($"error storing credentials - err: exit status {code}, out: `{output.Trim()}`");
            session.Config.Section("auths")[server] = new JsonObject();
        }
        else
        {
            string auth = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{secret}"));
            session.Config.Section("auths")[server] = new JsonObject { ["auth"] = auth };
        }
        session.Config.Save();
    }

    public static async Task EraseAsync(Session session, string server, CancellationToken cancellationToken)
    {
        if (Helper(session, server) is { } helper)
            await HelperAsync(helper, "erase", server, cancellationToken);
        JsonObject auths = session.Config.Section("auths");
        foreach (string key in auths.Select(static p => p.Key).Where(k => Host(k) == Host(server)).ToList())
            auths.Remove(key);
        session.Config.Save();
    }

    public static bool IsStored(Session session, string server) => Helper(session, server) is not null
        || session.Config.Section("auths").Any(p => Host(p.Key) == Host(server));

    public static bool UsesHelper(Session session, string server) => Helper(session, server) is not null;

    private static string? Helper(Session session, string server) =>
        session.Config.Map("credHelpers").GetValueOrDefault(Host(server)) ?? session.Config.Map("credHelpers").GetValueOrDefault(server)
            ?? (session.Config.Text("credsStore") is { Length: > 0 } store ? store : null);

    private static async Task<(int Code, string Output)> HelperAsync(
        string helper, string verb, string input, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new("docker-credential-" + helper, verb) { RedirectStandardInput = true, RedirectStandardOutput = true };
        try
        {
            using Process process = Process.Start(start) ?? throw new IOException("no process");
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
            process.StandardInput.Close();
            string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, output);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new CommandException($"error getting credentials - err: exec: \"docker-credential-{helper}\": {e.Message}, out: ``");
        }
    }

    private static JsonObject Account(string user, string password, string server) =>
        new() { ["username"] = user, ["password"] = password, ["serveraddress"] = server };

    private static string Host(string server)
    {
        int scheme = server.IndexOf("://", StringComparison.Ordinal);
        string rest = scheme < 0 ? server : server[(scheme + 3)..];
        return rest.Split('/')[0];
    }

    private static string Decode(string text)
    {
        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(text));
        }
        catch (FormatException)
        {
            return "";
        }
    }
}
