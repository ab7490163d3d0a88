using Berth.Cli.Text;

namespace Berth.Cli.Parsing;

/// <summary>Takes arguments apart by the rules of Docker's client (the pflag library), which scripts rely on to the letter.</summary>
/// <remarks>
/// An option's value is the next argument whatever it looks like (<c>-e -x</c>, <c>--tail -1</c>); short options stand together and the
/// last may carry its value (<c>-itp8080:80</c>); a bool takes a value by <c>=</c> alone; <c>--</c> ends the options. General parser
/// libraries guess in these places, which is why there is one of our own.
/// </remarks>
internal static class ArgumentParser
{
    /// <exception cref="UsageException">Unknown option, missing or wrong value.</exception>
    public static void Parse(ParsedCommand result, IReadOnlyList<string> arguments, int start)
    {
        for (int i = start; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (argument == "--")
            {
                result.Arguments.AddRange(arguments.Skip(i + 1));
                return;
            }
            if (argument.Length < 2 || argument[0] != '-')
            {
                result.Arguments.Add(argument);
                if (result.Command.IsInterspersed)
                    continue;
                result.Arguments.AddRange(arguments.Skip(i + 1));
                return;
            }
            i = argument[1] == '-' ? Long(result, arguments, i) : Short(result, arguments, i);
            if (result.HelpRequested)
                return;
        }
    }

    private static int Long(ParsedCommand result, IReadOnlyList<string> arguments, int i)
    {
        string text = arguments[i][2..];
        int equals = text.IndexOf('=');
        string name = equals < 0 ? text : text[..equals];
        if (name.Length == 0 || name[0] is '-' or '=')
            throw new UsageException($"bad flag syntax: {arguments[i]}");
        Flag? flag = result.Command.Find(name);
        if (flag is null)
        {
            if (name != "help")
                throw new UsageException($"unknown flag: --{name}");
            result.HelpRequested = true;
            return i;
        }
        if (equals >= 0)
            Set(result, flag, text[(equals + 1)..]);
        else if (flag.IsBool)
            Set(result, flag, "true");
        else if (i + 1 < arguments.Count)
            Set(result, flag, arguments[++i]);
        else
            throw new UsageException($"flag needs an argument: --{name}");
        return i;
    }

    private static int Short(ParsedCommand result, IReadOnlyList<string> arguments, int i)
    {
        string text = arguments[i][1..];
        while (text.Length > 0)
        {
            Flag? flag = result.Command.Find(text[0]);
            if (flag is null)
            {
                if (text[0] != 'h')
                    throw new UsageException($"unknown shorthand flag: '{text[0]}' in -{text}");
                result.HelpRequested = true;
                return i;
            }
            if (text.Length > 2 && text[1] == '=')
            {
                Set(result, flag, text[2..]);
                return i;
            }
            if (flag.IsBool)
            {
                Set(result, flag, "true");
                text = text[1..];
                continue;
            }
            if (text.Length > 1)
                Set(result, flag, text[1..]);
            else if (i + 1 < arguments.Count)
                Set(result, flag, arguments[++i]);
            else
                throw new UsageException($"flag needs an argument: '{text[0]}' in -{text}");
            return i;
        }
        return i;
    }

    private static void Set(ParsedCommand result, Flag flag, string value)
    {
        if ((Check(flag, value) ?? flag.Validate?.Invoke(value)) is { } problem)
            throw new UsageException($"invalid argument {GoValue.Quote(value)} for \"{flag.Label}\" flag: {problem}");
        if (flag.Refusal is { } refusal && !(flag.IsBool && !GoValue.ParseBool(value)))
            throw new UsageException($"--{flag.Name} is not supported: {refusal}");
        result.Add(flag, value);
    }

    private static string? Check(Flag flag, string value)
    {
        switch (flag.Type)
        {
            case "bool":
                return GoValue.TryParseBool(value, out _) ? null : Syntax("ParseBool", value);
            case "int":
                return GoValue.TryParseInt(value, out _) ? null : Syntax("ParseInt", value);
            case "uint16":
                return ushort.TryParse(value, out _) ? null : Syntax("ParseUint", value);
            case "uint":
                return ulong.TryParse(value, out _) ? null : Syntax("ParseUint", value);
            case "bytes":
                return GoValue.TryParseBytes(value, out _) || (value == "-1" && flag.Name == "memory-swap")
                    ? null : $"invalid size: '{value}'";
            case "duration":
                return GoValue.TryParseDuration(value, out _) ? null : value.Length > 0 && value.All(char.IsAsciiDigit)
                    ? $"time: missing unit in duration {GoValue.Quote(value)}" : $"time: invalid duration {GoValue.Quote(value)}";
            case "decimal":
                return GoValue.TryParseNanoCpus(value, out _) ? null : $"failed to parse {value} as a rational number";
            case "filter":
                return value.Contains('=') || value.Length == 0 ? null : "bad format of filter (expected name=value)";
            default:
                return null;
        }
    }

    private static string Syntax(string function, string value) =>
        $"strconv.{function}: parsing {GoValue.Quote(value)}: invalid syntax";
}
