using System.Diagnostics;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Oci.References;

namespace Berth.Cli.Commands;

/// <summary><c>image bootstrap debian:bookworm</c>: a base image straight from the distribution's signed packages, without a hub.</summary>
/// <remarks>mmdebstrap verifies the archive's signature and makes the tree; its archive is streamed into the engine as it comes.</remarks>
internal static class BootstrapCommand
{
    // What the distribution's own images say.
    private static readonly string[] s_changes =
        ["ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "CMD [\"bash\"]"];

    private static readonly string[] s_debian =
        ["bookworm", "bullseye", "buster", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable"];

    public static Command Define() => new()
    {
        Usages = ["[OPTIONS] debian:SUITE"],
        Description = "Make a base image from a distribution's signed packages\n\n"
            + "Needs mmdebstrap on this machine (apt-get install mmdebstrap) and a package mirror; no registry.",
        Arguments = Arguments.Exactly(1),
        RunAsync = RunAsync,
        Flags =
        [
            new("change", 'c', "list", "Apply Dockerfile instruction to the created image", "CMD [\"bash\"]"),
            new("include", "strings", "Further packages to install"),
            new("mirror", "string", "Package mirror or apt sources line (default: this machine's, else the distribution's)"),
            new("quiet", 'q', "bool", "Suppress mmdebstrap's progress"),
            new("tag", 't', "string", "Name of the image (default debian:SUITE)"),
            new("variant", "string", "mmdebstrap's variant: which packages are in from the start", "minbase"),
        ],
    };

    private static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string[] source = parsed.Arguments[0].Split(':');
        if (source is not ["debian", var suite] || Array.IndexOf(s_debian, suite) < 0)
        {
            throw new CommandException(
                $"bootstrap {parsed.Arguments[0]}: not known: expected debian:SUITE with one of {string.Join(", ", s_debian)}");
        }
        ImageReference name =
            ImageReference.Parse(parsed.String("tag") is { Length: > 0 } tag ? tag : parsed.Arguments[0]).WithDefaultTag();
        using Process tool = Start(parsed, suite);
        Task<string> log = LogAsync(session, tool, parsed.Bool("quiet"), cancellationToken);
        EngineRequest request = new EngineRequest("POST", "/images/create")
        {
            Body = async (output, token) =>
            {
                await tool.StandardOutput.BaseStream.CopyToAsync(output, token);
                await tool.WaitForExitAsync(token);
                // Failing here leaves the body unfinished, so that the engine keeps nothing of half a tree.
                if (tool.ExitCode != 0)
                    throw new CommandException($"bootstrap {parsed.Arguments[0]}: mmdebstrap ended with code {tool.ExitCode}: {await log}");
            },
        };
        request.Query("fromSrc", "-").Query("repo", name.Name).Query("tag", name.Tag!)
            .Query("message", $"Bootstrapped from {parsed.Arguments[0]} packages");
        foreach (string change in parsed.Has("change") ? parsed.List("change") : s_changes)
            request.Query("changes", change);
        try
        {
            using EngineResponse response = await session.Engine.SendAsync(request, cancellationToken);
            await new Progress(session.Console.Output, session.Console.OutputIsTerminal, session.Console.Size()?.Columns ?? 200)
                .ShowAsync(response, cancellationToken);
        }
        finally
        {
            if (!tool.HasExited)
                tool.Kill(entireProcessTree: true);
        }
        session.Warn($"Made {name.Familiar}");
        return 0;
    }

    private static Process Start(ParsedCommand parsed, string suite)
    {
        ProcessStartInfo start = new("mmdebstrap") { RedirectStandardOutput = true, RedirectStandardError = true };
        List<string> arguments =
        [
            $"--variant={parsed.String("variant")}", "--format=tar", "--aptopt=Acquire::Languages \"none\"",
            "--customize-hook=rm -rf \"$1\"/var/lib/apt/lists/* \"$1\"/var/cache/apt/*.bin",
        ];
        if (parsed.List("include") is { Count: > 0 } packages)
            arguments.Add("--include=" + string.Join(',', packages));
        arguments.AddRange([suite, "-"]);
        if (parsed.String("mirror") is { Length: > 0 } mirror)
            arguments.Add(mirror);
        arguments.ForEach(start.ArgumentList.Add);
        try
        {
            return Process.Start(start) ?? throw new IOException("mmdebstrap did not start");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new CommandException("bootstrap: mmdebstrap is not installed: apt-get install mmdebstrap, then try again");
        }
    }

    private static async Task<string> LogAsync(Session session, Process tool, bool quiet, CancellationToken cancellationToken)
    {
        string last = "";
        while (await tool.StandardError.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith("E:", StringComparison.Ordinal) || last.Length == 0)
                last = line;
            if (!quiet)
                session.Warn(line);
        }
        return last;
    }
}
