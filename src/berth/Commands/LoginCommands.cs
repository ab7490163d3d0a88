using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Credentials;

namespace Berth.Cli.Commands;

/// <summary><c>login</c> and <c>logout</c>.</summary>
internal static class LoginCommands
{
    public static async Task<int> LoginAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string server = DockerConfigFile.KeyFor(parsed.Arguments.Count > 0 ? parsed.Arguments[0] : "docker.io");
        string user = parsed.String("username");
        string password = parsed.String("password");
        if (parsed.Bool("password-stdin"))
        {
            if (parsed.Has("password"))
                throw new CommandException("conflicting options: cannot specify both --password and --password-stdin");
            if (user.Length == 0)
                throw new CommandException("the --password-stdin option requires --username to be set");
            password = (await new StreamReader(session.Console.Input).ReadToEndAsync(cancellationToken)).TrimEnd('\n').TrimEnd('\r');
        }
        else if (parsed.Has("password"))
            session.Warn("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
        if (user.Length == 0 && password.Length == 0
            && await WithStoredAccountAsync(session, server, cancellationToken))
            return 0;
        if ((user.Length == 0 || password.Length == 0) && session.Console.InputTerminal is null)
            throw new CommandException("Error: Cannot perform an interactive login from a non TTY device");
        if (user.Length == 0)
            user = Ask(session, "Username: ", hidden: false);
        if (password.Length == 0)
            password = Ask(session, "Password: ", hidden: true);
        if (user.Length == 0 || password.Length == 0)
            throw new CommandException("Error: username and password are required");
        JsonElement answer = await AuthenticateAsync(session, new StoredCredentials(user, password, ""), server, cancellationToken);
        string token = answer.Text("IdentityToken");
        StoredCredentials stored = token.Length > 0 ? new StoredCredentials(user, "", token) : new StoredCredentials(user, password, "");
        if (await session.Accounts.StoreAsync(server, stored, cancellationToken))
        {
            session.Warn($"\nWARNING! Your credentials are stored unencrypted in '{session.Accounts.Path}'.\n"
                + "Configure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n");
        }
        session.PrintLine(answer.Text("Status") is { Length: > 0 } status ? status : "Login Succeeded");
        return 0;
    }

    // Nothing was said about an account: the one that is known is tried first.
    private static async Task<bool> WithStoredAccountAsync(Session session, string server, CancellationToken cancellationToken)
    {
        if (await RegistryAccounts.FindAsync(session, server, cancellationToken) is not { } known)
            return false;
        session.Warn($"Authenticating with existing credentials... [Username: {known.Username}]\n\n Info -> To login with a different "
            + "account, run 'berth logout' followed by 'berth login'\n\n");
        try
        {
            JsonElement answer = await AuthenticateAsync(session, known, server, cancellationToken);
            session.PrintLine(answer.Text("Status") is { Length: > 0 } status ? status : "Login Succeeded");
            return true;
        }
        catch (EngineException e) when (!e.IsConnectionFailure)
        {
            session.Warn($"Login did not succeed, error: {e.Display}");
            return false;
        }
    }

    private static Task<JsonElement> AuthenticateAsync(
        Session session, StoredCredentials account, string server, CancellationToken cancellationToken) => session.Engine.SendForJsonAsync(
        EngineRequest.Post("/auth") with
        {
            Json = Encoding.UTF8.GetBytes(RegistryAccounts.Json(account, server).ToJsonString()),
        }, cancellationToken);

    public static async Task<int> LogoutAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string server = DockerConfigFile.KeyFor(parsed.Arguments.Count > 0 ? parsed.Arguments[0] : "docker.io");
        session.PrintLine($"Removing login credentials for {server}");
        await session.Accounts.EraseAsync(server, cancellationToken);
        return 0;
    }

    private static string Ask(Session session, string question, bool hidden)
    {
        session.Print(question);
        using IDisposable? silence = hidden ? session.Console.InputTerminal?.HideInput() : null;
        StringBuilder answer = new();
        byte[] one = new byte[1];
        List<byte> bytes = [];
        while (session.Console.Input.Read(one) == 1 && one[0] != '\n')
            bytes.Add(one[0]);
        answer.Append(Encoding.UTF8.GetString([.. bytes]));
        if (hidden)
            session.Print("\n");
        return answer.ToString().TrimEnd('\r');
    }
}
