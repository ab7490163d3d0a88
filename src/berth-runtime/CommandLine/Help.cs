using System.Text;
using Berth.RuntimeProgram.Verbs;

namespace Berth.RuntimeProgram.CommandLine;

/// <summary>The help texts, made of the commands' own definitions.</summary>
internal static class Help
{
    /// <summary>Shows a command's help, or all commands.</summary>
    public static int Show(ReadOnlySpan<string> topic)
    {
        StringBuilder text = new();
        if (topic.Length > 0 && VerbTable.Find(topic[0]) is { } verb)
        {
            text.Append($"NAME:\n   berth-runtime {verb.Name} - {verb.Summary}\n\n");
            text.Append($"USAGE:\n   berth-runtime {verb.Name} [command options] {verb.Usage}\n\nOPTIONS:\n");
            Append(text, verb.Options);
        }
        else
        {
            text.Append("NAME:\n   berth-runtime - runs containers of OCI bundles\n\n");
            text.Append("USAGE:\n   berth-runtime [global options] command [command options] [arguments...]\n\nCOMMANDS:\n");
            foreach (Verb each in VerbTable.All)
                text.Append($"   {each.Name,-12}{each.Summary}\n");
            text.Append("\nGLOBAL OPTIONS:\n");
            Append(text, GlobalOptions.Options);
        }
        Console.Out.Write(text.ToString());
        return 0;
    }

    private static void Append(StringBuilder text, IReadOnlyList<Option> options)
    {
        foreach (Option option in options)
        {
            string value = option.TakesValue ? " value" : "";
            string name = $"--{option.Name}{value}{(option.Alias is { } alias ? $", -{alias}{value}" : "")}";
            text.Append($"   {name,-34}{option.Help}\n");
        }
    }
}

/// <summary>The version, in the lines that callers look for.</summary>
internal static class VersionText
{
    /// <summary>The newest version of the runtime specification that is implemented.</summary>
    public const string Specification = "1.3.0";

    /// <summary>Shows it.</summary>
    public static int Show()
    {
        Console.Out.Write($"berth-runtime version {Number}\nspec: {Specification}\n");
        return 0;
    }

    /// <summary>This program's.</summary>
    public static string Number => typeof(VersionText).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
}
