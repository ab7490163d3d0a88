using System.Text;
using System.Text.Json.Nodes;
using Berth.Credentials;
using Berth.Faults;

namespace Berth.Cli.Configuration;

/// <summary>Registry accounts as the headers in which the engine takes them.</summary>
internal static class RegistryAccounts
{
    /// <summary>The value of <c>X-Registry-Auth</c> for a registry; of an empty account if there is none.</summary>
    public static async Task<string> HeaderAsync(Session session, string registry, CancellationToken cancellationToken)
    {
        StoredCredentials? account = await FindAsync(session, registry, cancellationToken);
        return Encode(account is null ? [] : Json(account, DockerConfigFile.KeyFor(registry)));
    }

    /// <summary>The account for a registry, or null.</summary>
    /// <remarks>A broken helper is no reason to refuse a public image: the user is warned, and asks anonymously.</remarks>
    public static async Task<StoredCredentials?> FindAsync(Session session, string registry, CancellationToken cancellationToken)
    {
        try
        {
            return await session.Accounts.GetAsync(registry, cancellationToken);
        }
        catch (FaultException e)
        {
            session.Warn($"WARNING: no account is sent to {registry}: {e.Message}");
            return null;
        }
    }

    /// <summary>The value of <c>X-Registry-Config</c>: every account known, by server.</summary>
    public static async Task<string> AllHeaderAsync(Session session, CancellationToken cancellationToken)
    {
        JsonObject all = [];
        try
        {
            foreach ((string server, StoredCredentials account) in await session.Accounts.GetAllAsync(cancellationToken))
                all[server] = Json(account, server);
        }
        catch (FaultException e)
        {
            session.Warn($"WARNING: no accounts are sent along: {e.Message}");
        }
        return Encode(all);
    }

    /// <summary>An account as the API's <c>AuthConfig</c>.</summary>
    public static JsonObject Json(StoredCredentials account, string server) => account.IdentityToken.Length > 0
        ? new JsonObject { ["identitytoken"] = account.IdentityToken, ["serveraddress"] = server }
        : new JsonObject { ["username"] = account.Username, ["password"] = account.Password, ["serveraddress"] = server };

    private static string Encode(JsonObject value) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(value.ToJsonString())).Replace('+', '-').Replace('/', '_');
}
