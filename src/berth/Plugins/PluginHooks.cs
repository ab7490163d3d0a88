using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Parsing;
using Berth.Cli.Templates;
using Berth.Cli.Text;

namespace Berth.Cli.Plugins;

/// <summary>What plugins want to say after a command: each that the configuration names for it is asked, and its next steps are shown.
/// </summary>
/// <remarks>
/// The contract is that of docker 28: <c>"plugins": {"NAME": {"hooks": "image ls,run"}}</c>; the plugin is run with its name,
/// <c>docker-cli-plugin-hooks</c> and a JSON object; it answers with a template. Only on a terminal, and only where
/// <c>DOCKER_CLI_HOOKS</c> or the feature <c>hooks</c> asks for it.
/// </remarks>
internal static class PluginHooks
{
    private const string Command = "docker-cli-plugin-hooks";

    /// <summary>Shows the next steps after one of this program's own commands.</summary>
    public static Task AfterCommandAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        if (!IsWanted(session))
            return Task.CompletedTask;
        string command = parsed.Path[(parsed.Path.IndexOf(' ') + 1)..];
        return AskAllAsync(
            session, command, Flags(parsed), parsed.Path[(parsed.Path.LastIndexOf(' ') + 1)..],
            name => parsed.Command.Find(name) is { } flag ? flag.IsBool ? Lower(parsed.Bool(name)) : parsed.String(name) : null,
            index => index >= 0 && index < parsed.Arguments.Count ? parsed.Arguments[index] : "", cancellationToken);
    }

    /// <summary>Shows the next steps after a plugin's command, whose options nobody here knows.</summary>
    public static Task AfterPluginAsync(Session session, IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        if (!IsWanted(session))
            return Task.CompletedTask;
        JsonObject flags = [];
        foreach (string word in words.Where(static w => w.StartsWith('-')))
            flags[word.StartsWith("--", StringComparison.Ordinal) ? word[2..] : word[1..]] = "";
        return AskAllAsync(session, string.Join(' ', words), flags, "berth", static _ => null, static _ => "", cancellationToken);
    }

    private static bool IsWanted(Session session)
    {
        if (!session.Console.OutputIsTerminal)
            return false;
        string asked = session.Variable("DOCKER_CLI_HOOKS") ?? session.Config.Map("features").GetValueOrDefault("hooks") ?? "";
        return GoValue.TryParseBool(asked, out bool wanted) && wanted;
    }

    private static async Task AskAllAsync(
        Session session, string command, JsonObject flags, string name, Func<string, string?> flag, Func<int, string> argument,
        CancellationToken cancellationToken)
    {
        List<string> steps = [];
        foreach ((string plugin, IReadOnlyDictionary<string, string> settings) in session.Config.Plugins)
        {
            string? match = Matching(settings.GetValueOrDefault("hooks"), command);
            if (match is null || PluginFolders.Find(session, plugin) is not { } program)
                continue;
            JsonObject told = new()
            {
                ["RootCmd"] = match, ["Flags"] = flags.DeepClone(), ["CommandError"] = session.CommandError,
            };
            if (await program.AskAsync([plugin, Command, GoJson.Text(told)], cancellationToken) is { } answer)
                steps.AddRange(Steps(answer, name, flag, argument));
        }
        if (steps.Count == 0)
            return;
        // Past the console's own writer, which lets no control characters through: these two are ours.
        session.Console.Error.Write("\x1b[1m\nWhat's next:\x1b[0m\n"u8);
        foreach (string step in steps)
            session.Warn("    " + step);
    }

    // "image ls" is meant by the hook "image" and by "image ls", not by "image l".
    private static string? Matching(string? hooks, string command) => hooks?.Split(',').FirstOrDefault(
        hook => hook.Length > 0 && (command + " ").StartsWith(hook + " ", StringComparison.Ordinal));

    private static IEnumerable<string> Steps(string answer, string name, Func<string, string?> flag, Func<int, string> argument)
    {
        try
        {
            using JsonDocument message = JsonDocument.Parse(answer);
            if (message.RootElement.Number("Type") != 0 || Filled(message.RootElement.Text("Template"), flag, argument) is not { } template)
                return [];
            string text = new Template(template).Run(new Row("*cobra.Command", ("Name", () => name)), new Functions());
            // What a stranger prints goes to a terminal: no control characters but its lines.
            return string.IsNullOrWhiteSpace(text) ? [] : text.Split('\n').Select(static l => GoValue.Visible(l));
        }
        catch (Exception e) when (e is JsonException or TemplateException)
        {
            // A plugin that does not keep to the contract is passed over: the command itself has done its work.
            return [];
        }
    }

    // The two functions that such templates have beside Go's: {{flag . "name"}} and {{arg . 0}}; null for an option that is not there.
    private static string? Filled(string template, Func<string, string?> flag, Func<int, string> argument)
    {
        StringBuilder output = new();
        int at = 0;
        while (at < template.Length)
        {
            if (Starts("flag . \"") && template.IndexOf('"', at + 8) is > 0 and var end)
            {
                if (flag(template[(at + 8)..end]) is not { } value)
                    return null;
                output.Append(GoValue.Quote(value));
                at = end + 1;
            }
            else if (Starts("arg . "))
            {
                int digits = at + 6;
                while (digits < template.Length && char.IsAsciiDigit(template[digits]))
                    digits++;
                if (!int.TryParse(template.AsSpan(at + 6, digits - at - 6), out int index))
                    return null;
                output.Append(GoValue.Quote(argument(index)));
                at = digits;
            }
            else
            {
                output.Append(template[at++]);
            }
        }
        return output.ToString();

        bool Starts(string text) => template.AsSpan(at).StartsWith(text, StringComparison.Ordinal)
            && at > 0 && template[at - 1] is '{' or ' ' or '(';
    }

    private static JsonObject Flags(ParsedCommand parsed)
    {
        JsonObject flags = [];
        foreach (Flag flag in parsed.Command.Flags.Where(f => parsed.Has(f.Name)).OrderBy(static f => f.Name, StringComparer.Ordinal))
            flags[flag.Name] = flag.IsBool ? Lower(parsed.Bool(flag.Name)) : "";
        return flags;
    }

    private static string Lower(bool value) => value ? "true" : "false";
}
