using System.Text;
using System.Text.Json.Nodes;
using Berth.Api;
using Berth.Cli.Building;
using Berth.Cli.Parsing;
using Berth.Client;
using Berth.Credentials;
using Berth.Faults;

namespace Berth.Cli.Running;

/// <summary><c>--use-api-socket</c>: a container that may ask the engine for more, with the user's accounts.</summary>
/// <remarks>The places inside are those of Docker's client.</remarks>
internal static class ApiSocket
{
    private const string Inside = "/var/run/docker.sock";
    private const string AccountsDirectory = "run/secrets/docker";
    private const int OwnerOnly = 0x180;

    /// <summary>Adds the engine's socket to what is asked for.</summary>
    /// <returns>The accounts' file for <see cref="PutAsync"/>; null when there are none, or the user names a file of his own.</returns>
    /// <exception cref="CommandException">The accounts cannot be read.</exception>
    public static async Task<byte[]?> AddAsync(Session session, CreateContainerRequest body, CancellationToken cancellationToken)
    {
        // An engine that is not on this machine has its socket where Docker's engines have it.
        string socket = session.Engine.Address.Path is { Length: > 0 } path ? path : Inside;
        body.HostConfig!.Mounts =
        [
            .. body.HostConfig.Mounts ?? [],
            new Mount { Type = "bind", Source = socket, Target = Inside, BindOptions = new BindOptions() },
        ];
        if (body.Env?.Any(static variable => variable.StartsWith("DOCKER_CONFIG=", StringComparison.Ordinal)) == true)
            return null;
        JsonObject accounts = [];
        try
        {
            foreach ((string server, StoredCredentials account) in await session.Accounts.GetAllAsync(cancellationToken))
                accounts[server] = InFile(account);
        }
        catch (FaultException e)
        {
            throw ContainerCreation.Failure($"resolving credentials failed: {e.Message}");
        }
        if (accounts.Count == 0)
            return null;
        body.Env = [.. body.Env ?? [], $"DOCKER_CONFIG=/{AccountsDirectory}"];
        return Encoding.UTF8.GetBytes(new JsonObject { ["auths"] = accounts }.ToJsonString());
    }

    /// <summary>Writes the accounts' file into a container that was made and has not begun.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public static async Task PutAsync(Session session, string id, byte[] accounts, CancellationToken cancellationToken)
    {
        EngineRequest request = new EngineRequest("PUT", $"/containers/{id}/archive")
        {
            Body = async (output, token) =>
            {
                ArchiveWriter writer = new(output);
                await writer.WriteAsync(
                    new ArchiveEntry($"{AccountsDirectory}/config.json", ArchiveEntry.File, OwnerOnly, session.Time.GetUtcNow())
                    {
                        Size = accounts.Length,
                    },
                    accounts, token);
                await writer.FinishAsync(token);
            },
        }.Query("path", "/");
        try
        {
            await session.Engine.SendForStatusAsync(request, cancellationToken);
        }
        catch (EngineException e)
        {
            throw ContainerCreation.Failure($"injecting docker config.json into container failed: {e.Message}");
        }
    }

    private static JsonObject InFile(StoredCredentials account)
    {
        string secret = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{account.Username}:{account.Password}"));
        return account.IdentityToken.Length > 0 ? new JsonObject { ["auth"] = secret, ["identitytoken"] = account.IdentityToken }
            : new JsonObject { ["auth"] = secret };
    }
}
