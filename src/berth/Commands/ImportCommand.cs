using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>import</c>: an image of one layer from an archive.</summary>
internal static class ImportCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string source = parsed.Arguments[0];
        bool remote = source.StartsWith("http://", StringComparison.Ordinal) || source.StartsWith("https://", StringComparison.Ordinal);
        EngineRequest request = EngineRequest.Post("/images/create").Query("fromSrc", remote ? source : "-");
        if (parsed.Arguments.Count > 1)
        {
            (string repository, string tag) = ImageName.Split(parsed.Arguments[1]);
            request.Query("repo", repository).QueryUnlessEmpty("tag", tag);
        }
        request.QueryUnlessEmpty("message", parsed.String("message")).QueryUnlessEmpty("platform", parsed.String("platform"));
        foreach (string change in parsed.List("change"))
            request.Query("changes", change);
        await using Stream? file = remote ? null : source == "-" ? session.Console.Input : OpenFile(source);
        if (file is not null)
            request = request with { Body = (output, token) => file.CopyToAsync(output, token), BodyType = "text/plain" };
        using EngineResponse response = await session.Engine.SendAsync(request, cancellationToken);
        await new Progress(session.Console.Output, session.Console.OutputIsTerminal, session.Console.Size()?.Columns ?? 200)
            .ShowAsync(response, cancellationToken);
        return 0;
    }

    public static FileStream OpenFile(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException($"open {path}: no such file or directory");
        }
    }
}
