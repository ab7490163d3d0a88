using System.Text;
using System.Text.Json;
using Berth.Cli.Building;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>cp</c>: files between here and a container, both ways, as archives.</summary>
internal static class CopyCommand
{
    // Go's os.FileMode bits, which the path's header speaks in.
    private const long GoDirectory = 1L << 31;
    private const long GoSymlink = 1L << 27;

    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        (string source, string sourcePath) = Split(parsed.Arguments[0]);
        (string target, string targetPath) = Split(parsed.Arguments[1]);
        if (source.Length > 0 && target.Length > 0)
            throw new CommandException("copying between containers is not supported");
        if (source.Length == 0 && target.Length == 0)
            throw new CommandException("must specify at least one container source");
        if ((source.Length > 0 ? sourcePath : targetPath).Length == 0)
            throw new CommandException($"{(source.Length > 0 ? "source" : "destination")} can not be empty");
        return source.Length > 0
            ? await OutAsync(session, parsed, source, sourcePath, targetPath, cancellationToken)
            : await InAsync(session, parsed, sourcePath, target, targetPath, cancellationToken);
    }

    private static async Task<int> OutAsync(
        Session session, ParsedCommand parsed, string container, string path, string target, CancellationToken cancellationToken)
    {
        if (parsed.Bool("follow-link") && await StatAsync(session, container, path, cancellationToken) is { } stat
            && (stat.Number("mode") & GoSymlink) != 0 && stat.Text("linkTarget") is { Length: > 0 } link)
        {
            path = link.StartsWith('/') ? link : Path.GetDirectoryName(path) + "/" + link;
        }
        using EngineResponse response = await session.Engine.SendAsync(
            EngineRequest.Get($"/containers/{EngineRequest.Escape(container)}/archive").Query("path", path), cancellationToken);
        if (target == "-")
        {
            await response.Body.CopyToAsync(session.Console.Output, cancellationToken);
            return 0;
        }
        bool content = path.EndsWith("/.", StringComparison.Ordinal) || path == ".";
        await ArchiveReader.ExtractAsync(response.Body, target, content, parsed.Bool("archive"), cancellationToken);
        if (!parsed.Bool("quiet") && session.Console.ErrorIsTerminal)
            session.Warn($"Successfully copied to {Path.GetFullPath(target)}");
        return 0;
    }

    private static async Task<int> InAsync(
        Session session, ParsedCommand parsed, string source, string container, string path, CancellationToken cancellationToken)
    {
        JsonElement? stat = await StatAsync(session, container, path, cancellationToken);
        if (stat is { } linked && (linked.Number("mode") & GoSymlink) != 0 && linked.Text("linkTarget") is { Length: > 0 } link)
        {
            path = link.StartsWith('/') ? link : Path.GetDirectoryName(path.TrimEnd('/')) + "/" + link;
            stat = await StatAsync(session, container, path, cancellationToken);
        }
        bool toDirectory = stat is { } found && (found.Number("mode") & GoDirectory) != 0;
        if (source == "-")
        {
            if (!toDirectory)
                throw new CommandException($"destination \"{container}:{path}\" must be a directory");
            Stream input = session.Console.Input;
            return await PutAsync(session, parsed, container, path, (output, token) => input.CopyToAsync(output, token), cancellationToken);
        }
        string file = source.TrimEnd('/') is { Length: > 0 } trimmed ? trimmed : "/";
        if (parsed.Bool("follow-link") && new FileInfo(file).ResolveLinkTarget(returnFinalTarget: true) is { } final)
            file = final.FullName;
        if (!File.Exists(file) && !Directory.Exists(file) && new FileInfo(file).LinkTarget is null)
            throw new CommandException($"lstat {Path.GetFullPath(file)}: no such file or directory");
        bool isDirectory = Directory.Exists(file) && new FileInfo(file).LinkTarget is null;
        bool content = isDirectory && (source.EndsWith("/.", StringComparison.Ordinal) || source == ".");
        if (stat is not null && !toDirectory && isDirectory)
            throw new CommandException($"cannot copy directory");
        if (stat is null && path.EndsWith('/') && !isDirectory)
            throw new CommandException($"no such directory");
        string name = content && toDirectory ? "" : toDirectory ? Path.GetFileName(Path.GetFullPath(source))
            : Path.GetFileName(path.TrimEnd('/'));
        string into = toDirectory ? path : Path.GetDirectoryName(path.TrimEnd('/')) is { Length: > 0 } parent ? parent : "/";
        if (file.EndsWith("/.", StringComparison.Ordinal))
            file = file[..^2];
        string root = Path.GetFullPath(file);
        return await PutAsync(
            session, parsed, container, into,
            async (output, token) =>
            {
                ArchiveWriter writer = new(output);
                // Always: -a asks the engine, by copyUIDGID, to give all to the container's own user instead.
                await TreeArchive.WriteAsync(writer, root, name, keepOwner: true, null, token);
                await writer.FinishAsync(token);
            },
            cancellationToken);
    }

    private static async Task<int> PutAsync(
        Session session, ParsedCommand parsed, string container, string path, Func<Stream, CancellationToken, Task> body,
        CancellationToken cancellationToken)
    {
        EngineRequest request = new EngineRequest("PUT", $"/containers/{EngineRequest.Escape(container)}/archive") { Body = body };
        request.Query("path", path).Query("noOverwriteDirNonDir", "true").QueryUnlessEmpty(
            "copyUIDGID", parsed.Bool("archive") ? "true" : "");
        await session.Engine.SendForStatusAsync(request, cancellationToken);
        if (!parsed.Bool("quiet") && session.Console.ErrorIsTerminal)
            session.Warn($"Successfully copied to {container}:{path}");
        return 0;
    }

    /// <summary>What the path is in the container; null if it is not there.</summary>
    private static async Task<JsonElement?> StatAsync(Session session, string container, string path, CancellationToken cancellationToken)
    {
        try
        {
            using EngineResponse response = await session.Engine.SendAsync(
                new EngineRequest("HEAD", $"/containers/{EngineRequest.Escape(container)}/archive").Query("path", path), cancellationToken);
            string header = response.Header("X-Docker-Container-Path-Stat") ?? "";
            using JsonDocument stat = JsonDocument.Parse(Convert.FromBase64String(header));
            return stat.RootElement.Clone();
        }
        catch (EngineException e) when (e.IsNotFound)
        {
            // No such path, or no such container: the latter fails again, with its message, at the next step.
            return null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    // A name before the first colon is a container, unless a slash says that it is a path.
    private static (string Container, string Path) Split(string argument)
    {
        if (argument.StartsWith('/') || argument == "-")
            return ("", argument);
        int colon = argument.IndexOf(':');
        return colon < 0 || argument.StartsWith('.') || argument.AsSpan(0, colon).Contains('/') ? ("", argument)
            : (argument[..colon], argument[(colon + 1)..]);
    }
}
