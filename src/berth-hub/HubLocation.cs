using System.CommandLine;
using Berth.Registry.Audit;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Operation.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Hub;

/// <summary>Which hub a verb works on: its flags, and opening it. A running server on the same data is not disturbed.</summary>
internal static class HubLocation
{
    public static Option<string?> Config { get; } = new("--config") { Description = "Configuration file", HelpName = "FILE" };

    private static readonly Option<string?> s_data = new(Flag(HubSettings.Data))
    {
        Description = HubSettings.Data.Help, HelpName = HubSettings.Data.ValueName,
    };

    private static readonly Option<string?> s_database = new(Flag(HubSettings.Database))
    {
        Description = HubSettings.Database.Help, HelpName = HubSettings.Database.ValueName,
    };

    private static readonly Option<string?> s_keyFile = new(Flag(HubSettings.SecretKeyFile))
    {
        Description = HubSettings.SecretKeyFile.Help, HelpName = HubSettings.SecretKeyFile.ValueName,
    };

    /// <summary>Who the audit log names for what is done here.</summary>
    public static Caller Operator { get; } = new() { Name = AuditLog.CommandLine, IsAdministrator = true };

    /// <summary>Makes a verb that works on a hub and says failures in one sentence. Where there is none it makes none: a directory that
    /// was mistyped would be an empty hub, of which everything succeeds.</summary>
    public static Command Verb(
        string name, string description, Func<HubServices, ParseResult, CancellationToken, Task> run, params ReadOnlySpan<Symbol> parts) =>
        ClosedVerb(name, description, Opened(run), parts);

    /// <summary>Makes a verb with which a hub may begin.</summary>
    public static Command FirstVerb(
        string name, string description, Func<HubServices, ParseResult, CancellationToken, Task> run, params ReadOnlySpan<Symbol> parts) =>
        Make(name, description, Opened(run), parts);

    /// <summary>Makes a verb for a hub that it does not open, or opens by itself.</summary>
    public static Command ClosedVerb(
        string name, string description, Func<HubOptions, ParseResult, CancellationToken, Task> run, params ReadOnlySpan<Symbol> parts) =>
        Make(
            name, description, async (options, parsed, cancellationToken) =>
            {
                await HubServices.RequireAsync(options, cancellationToken);
                await run(options, parsed, cancellationToken);
            }, parts);

    private static Func<HubOptions, ParseResult, CancellationToken, Task> Opened(
        Func<HubServices, ParseResult, CancellationToken, Task> run) => async (options, parsed, cancellationToken) =>
    {
        await using HubServices services = await HubServices.OpenAsync(
            options, NullLoggerFactory.Instance, TimeProvider.System, cancellationToken);
        await run(services, parsed, cancellationToken);
    };

    private static Command Make(
        string name, string description, Func<HubOptions, ParseResult, CancellationToken, Task> run, ReadOnlySpan<Symbol> parts)
    {
        var command = new Command(name, description);
        foreach (Symbol part in parts)
        {
            if (part is Argument argument)
                command.Arguments.Add(argument);
            else
                command.Options.Add((Option)part);
        }
        command.Options.Add(s_data);
        command.Options.Add(s_database);
        command.Options.Add(s_keyFile);
        command.Options.Add(Config);
        command.SetAction((parsed, cancellationToken) => RunAsync(run, parsed, cancellationToken));
        return command;
    }

    /// <summary>The flag of a setting.</summary>
    public static string Flag(HubSetting setting) => "--" + setting.Key;

    /// <summary>The configuration of files and flags; null after its mistakes were told.</summary>
    public static HubConfiguration? Read(ParseResult parsed, SettingValues flags)
    {
        var errors = new List<string>();
        SettingValues values = parsed.GetValue(Config) is { } file ? flags.Over(ConfigurationFile.Read(file, errors)) : flags;
        HubConfiguration? configuration = HubConfiguration.Build(values, errors);
        foreach (string error in errors)
            Console.Error.WriteLine($"configuration: {error}");
        return errors.Count == 0 ? configuration : null;
    }

    private static async Task<int> RunAsync(
        Func<HubOptions, ParseResult, CancellationToken, Task> run, ParseResult parsed, CancellationToken cancellationToken)
    {
        var flags = new SettingValues();
        foreach ((HubSetting setting, Option<string?> option) in new[]
            { (HubSettings.Data, s_data), (HubSettings.Database, s_database), (HubSettings.SecretKeyFile, s_keyFile) })
        {
            if (parsed.GetValue(option) is { } text)
                flags.Set(setting, [text]);
        }
        if (Read(parsed, flags) is not { } configuration)
            return 1;
        try
        {
            await run(configuration.Options, parsed, cancellationToken);
            return 0;
        }
        catch (FaultException fault)
        {
            Console.Error.WriteLine(fault.Message);
            return 1;
        }
    }
}
