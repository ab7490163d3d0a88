using System.Text;
using System.Text.Json;
using Berth.Api;
using Berth.Cli.Commands;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Oci.References;

namespace Berth.Cli.Running;

/// <summary>Creates a container, pulling its image when the engine does not have it.</summary>
internal static class ContainerCreation
{
    /// <exception cref="CommandException">The engine refuses; the code is 125.</exception>
    public static async Task<string> CreateAsync(
        Session session, ParsedCommand parsed, CreateContainerRequest body, CancellationToken cancellationToken)
    {
        string pull = parsed.String("pull");
        if (pull is not ("always" or "missing" or "never"))
            throw Failure($"invalid pull option: '{pull}': must be one of \"always\", \"missing\" or \"never\"");
        if (!ImageName.IsId(body.Image) && !ImageReference.TryParse(body.Image, out _, out string? problem))
            throw Failure(problem);
        string cidFile = parsed.String("cidfile");
        if (cidFile.Length > 0 && File.Exists(cidFile))
            throw Failure($"container ID file found, make sure the other container isn't running or delete {cidFile}");
        bool quiet = parsed.Bool("quiet");
        string platform = parsed.String("platform") is { Length: > 0 } given ? given : session.Variable("DOCKER_DEFAULT_PLATFORM") ?? "";
        if (platform.Length > 0)
            CheckPlatform(platform);
        byte[]? accounts = parsed.Bool("use-api-socket") ? await ApiSocket.AddAsync(session, body, cancellationToken) : null;
        // Made before the container, so that there is no container without its file.
        using FileStream? cid = cidFile.Length > 0 ? CreateCidFile(cidFile) : null;
        bool isCreated = false;
        try
        {
            if (pull == "always")
                await PullAsync(session, body.Image, platform, quiet, cancellationToken);
            JsonElement answer;
            try
            {
                answer = await SendAsync(session, parsed, body, platform, cancellationToken);
            }
            catch (EngineException e) when (
                e.IsNotFound && pull == "missing" && e.Message.Contains("No such image", StringComparison.OrdinalIgnoreCase))
            {
                if (!quiet)
                    session.Warn($"Unable to find image '{ImageName.Familiar(body.Image)}' locally");
                await PullAsync(session, body.Image, platform, quiet, cancellationToken);
                answer = await SendAsync(session, parsed, body, platform, cancellationToken);
            }
            foreach (string warning in answer.Texts("Warnings"))
                session.Warn($"WARNING: {warning}");
            string id = answer.Text("Id");
            isCreated = true;
            if (accounts is not null)
                await ApiSocket.PutAsync(session, id, accounts, cancellationToken);
            if (cid is not null)
                await cid.WriteAsync(System.Text.Encoding.ASCII.GetBytes(id), cancellationToken);
            return id;
        }
        catch (EngineException e)
        {
            throw Failure(e.Display);
        }
        finally
        {
            if (cid is not null && !isCreated)
                File.Delete(cidFile);
        }
    }

    private static FileStream CreateCidFile(string path)
    {
        try
        {
            return new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string reason = e is UnauthorizedAccessException ? "permission denied" : "no such file or directory";
            throw Failure($"failed to create the container ID file: open {path}: {reason}");
        }
    }

    private static void CheckPlatform(string platform)
    {
        try
        {
            PlatformText.Check(platform);
        }
        catch (CommandException e)
        {
            throw Failure($"error parsing specified platform: {e.Message}");
        }
    }

    public static CommandException Failure(string message, int code = 125) => new(message, code) { ShowsProgramName = true };

    private static async Task<JsonElement> SendAsync(
        Session session, ParsedCommand parsed, CreateContainerRequest body, string platform, CancellationToken cancellationToken)
    {
        // Before API 1.44 the address belonged to the container, since then to its first network.
        if (Version.TryParse(await session.Engine.GetApiVersionAsync(cancellationToken), out Version? api) && api < new Version(1, 44))
            body.MacAddress = ContainerSpec.MacAddress(parsed.String("mac-address"));
        EngineRequest request = new EngineRequest("POST", "/containers/create")
        {
            Json = RequestJson.Of(body),
        };
        request.QueryUnlessEmpty("name", parsed.String("name")).QueryUnlessEmpty("platform", platform);
        return await session.Engine.SendForJsonAsync(request, cancellationToken);
    }

    private static async Task PullAsync(
        Session session, string image, string platform, bool quiet, CancellationToken cancellationToken)
    {
        using MemoryStream ignored = new();
        Progress progress = quiet
            ? new Progress(ignored, isTerminal: false, 0)
            : new Progress(session.Console.Error, session.Console.ErrorIsTerminal, session.Console.Size()?.Columns ?? 200);
        await PullCommand.PullAsync(session, image, platform, allTags: false, progress, cancellationToken);
    }
}
