using Berth.Cli.Parsing;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>export</c>: a container's files as one archive.</summary>
internal static class ExportCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string file = parsed.String("output");
        if (file.Length == 0 && session.Console.OutputIsTerminal)
            throw new CommandException("cowardly refusing to save to a terminal. Use the -o flag or redirect");
        OutputFile.Check(file, "failed to export container");
        using EngineResponse response = await session.Engine.SendAsync(
            EngineRequest.Get($"/containers/{EngineRequest.Escape(parsed.Arguments[0])}/export"), cancellationToken);
        await OutputFile.WriteAsync(session, file, response.Body, cancellationToken);
        return 0;
    }
}

/// <summary>Writes an answer to a file that appears only when it is whole, or to standard output.</summary>
internal static class OutputFile
{
    /// <summary>Refuses a path that cannot become a file, before the engine is asked for what would be in it.</summary>
    /// <exception cref="CommandException">It is a directory, or there is no directory for it.</exception>
    public static void Check(string path, string attempt)
    {
        if (path.Length == 0)
            return;
        if (Directory.Exists(path))
            throw new CommandException($"{attempt}: invalid output path: {path} is a directory");
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory && !Directory.Exists(directory))
            throw new CommandException($"{attempt}: invalid output path: stat {directory}: no such file or directory");
    }

    public static async Task WriteAsync(Session session, string path, Stream body, CancellationToken cancellationToken)
    {
        if (path.Length == 0)
        {
            await body.CopyToAsync(session.Console.Output, cancellationToken);
            return;
        }
        if (Building.OutputPath.IsSpecial(path))
        {
            await using FileStream device = new(path, FileMode.Open, FileAccess.Write);
            await body.CopyToAsync(device, cancellationToken);
            return;
        }
        string temporary = $"{path}.{System.Environment.ProcessId}.tmp";
        try
        {
            // For the user's eyes only, as Docker's client writes it: an image may hold what others on this machine shall not read.
            await using (FileStream output = new(temporary, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                BufferSize = 64 * 1024,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
                await body.CopyToAsync(output, cancellationToken);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
