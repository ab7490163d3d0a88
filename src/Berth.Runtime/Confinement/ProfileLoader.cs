using System.ComponentModel;
using System.Diagnostics;

namespace Berth.Runtime.Confinement;

/// <summary>Gives profiles to the kernel by way of AppArmor's own compiler.</summary>
/// <remarks>apparmor_parser(8); the list is <c>/sys/kernel/security/apparmor/profiles</c>, a line <c>NAME (MODE)</c> for each.</remarks>
/// <param name="list">The list; null: the kernel's.</param>
/// <param name="parsers">Where the compiler may be; null: where Debian, Ubuntu and SUSE have it.</param>
public sealed class ProfileLoader(string? list = null, IReadOnlyList<string>? parsers = null)
{
    private const int ErrorCharactersMax = 400;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly string _list = list ?? "/sys/kernel/security/apparmor/profiles";
    private readonly IReadOnlyList<string> _parsers =
        parsers ?? ["/usr/sbin/apparmor_parser", "/sbin/apparmor_parser", "/usr/bin/apparmor_parser"];

    /// <summary>Whether the kernel has a profile of that name.</summary>
    public bool IsLoaded(string name)
    {
        try
        {
            return File.ReadLines(_list).Any(line => line.Length > name.Length + 1
                && line.StartsWith(name, StringComparison.Ordinal) && line[name.Length] == ' ' && line[name.Length + 1] == '(');
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Compiles a text and gives it to the kernel, in place of an older one of its name.</summary>
    /// <returns>Null; or why it could not be, in a sentence.</returns>
    public string? Load(string text)
    {
        if (!File.Exists(_list))
            return $"{_list} is not there: securityfs is not mounted";
        if (_parsers.FirstOrDefault(IsThere) is not { } parser)
            return "apparmor_parser is not installed (package apparmor)";
        // Without the cache, which would be a file of ours in the host's /etc or /var.
        ProcessStartInfo start = new(parser, ["--replace", "--skip-cache"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/",
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        try
        {
            using Process process = Process.Start(start)!;
            return Talk(process, text);
        }
        catch (Exception refused) when (refused is Win32Exception or IOException)
        {
            return $"{parser}: {refused.Message}";
        }
    }

    // A link to what is not there is a file that exists, to .NET.
    private static bool IsThere(string path) =>
        File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is null or { Exists: true };

    private static string? Talk(Process process, string text)
    {
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(text);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended before it read all: its own words say why.
        }
        if (!process.WaitForExit(s_patience))
        {
            process.Kill();
            return $"apparmor_parser did not end within {s_patience.TotalSeconds} seconds";
        }
        process.WaitForExit();
        string said = (errors.Result + output.Result).Trim().ReplaceLineEndings(" ");
        return process.ExitCode == 0 ? null
            : $"apparmor_parser failed: {(said.Length > ErrorCharactersMax ? said[..ErrorCharactersMax] + "…" : said)}";
    }
}
