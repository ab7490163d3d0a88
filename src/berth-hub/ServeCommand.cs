using System.CommandLine;
using System.Runtime.InteropServices;
using Berth.Registry.Hosting;
using Berth.Registry.Operation.Configuration;
using Berth.Registry.Operation.Serving;
using Microsoft.Extensions.Logging;

namespace Berth.Hub;

/// <summary><c>berth-hub serve</c>: runs until it is asked to stop. Each setting of the configuration file is a flag, too.</summary>
internal static class ServeCommand
{
    private static readonly Dictionary<HubSetting, Option> s_options = HubSettings.All.ToDictionary(setting => setting, Make);

    // How long a storage that is away is waited for before the hub begins without it.
    private static readonly TimeSpan s_storagePatience = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var command = new Command("serve", "Serve the registry and its pages") { HubLocation.Config };
        foreach (Option option in s_options.Values)
            command.Options.Add(option);
        command.SetAction(RunAsync);
        return command;
    }

    private static Option Make(HubSetting setting) => setting.Kind switch
    {
        SettingKind.Flag => new Option<bool>(HubLocation.Flag(setting)) { Description = setting.Help },
        SettingKind.List or SettingKind.Tables => new Option<string[]>(HubLocation.Flag(setting))
        {
            Description = setting.Help + "; may be repeated", HelpName = setting.ValueName, DefaultValueFactory = _ => [],
        },
        _ => new Option<string?>(HubLocation.Flag(setting)) { Description = setting.Help, HelpName = setting.ValueName },
    };

    private static SettingValues Flags(ParseResult parsed)
    {
        var values = new SettingValues();
        foreach ((HubSetting setting, Option option) in s_options)
        {
            if (parsed.GetResult(option) is not { Implicit: false })
                continue;
            values.Set(setting, option switch
            {
                Option<bool> flag => [parsed.GetValue(flag) ? "true" : "false"],
                Option<string[]> list => parsed.GetValue(list) ?? [],
                Option<string?> text => [parsed.GetValue(text) ?? ""],
                _ => [],
            });
        }
        return values;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (HubLocation.Read(parsed, Flags(parsed)) is not { } configuration)
            return 1;
        using ILoggerFactory loggers = LogTo(configuration);
        try
        {
            await using HubServices services = await HubServices.OpenAsync(configuration.Options, loggers, TimeProvider.System,
                cancellationToken);
            await RequireStorageAsync(services, cancellationToken);
            await using HubProcess process = await HubProcess.StartAsync(services, cancellationToken);
            if (await process.SetUpPathAsync(cancellationToken) is { } path)
            {
                Uri open = configuration.Options.Accounts.PublicUrl ?? process.Server.Addresses[0];
                Console.WriteLine(
                    $"There is no administrator yet. Open this once to become it: {open.GetLeftPart(UriPartial.Authority)}{path}");
            }
            foreach (Uri address in process.Server.Addresses)
                Console.WriteLine($"berth-hub listens on {address}");
            if (process.AdministrationAddress is { } metrics)
                Console.WriteLine($"berth-hub serves metrics on {metrics}metrics");
            await WaitAsync(process, cancellationToken);
            return 0;
        }
        catch (FaultException fault)
        {
            Console.Error.WriteLine($"failed to start: {fault.Message}");
            return 1;
        }
    }

    private static async Task RequireStorageAsync(HubServices services, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_storagePatience);
        try
        {
            await services.RequireStorageAsync(limit.Token);
        }
        catch (Exception away) when (away is FaultException { Kind: FaultKind.Unavailable }
            || (away is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // It may come back: until then /ready says so. Collections look again.
        }
    }

    private static ILoggerFactory LogTo(HubConfiguration configuration) => LoggerFactory.Create(logging =>
    {
        const string Time = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
        // What the web server says of each request is said by the hub, once.
        logging.SetMinimumLevel(configuration.LogLevel).AddFilter("Microsoft", LogLevel.Warning);
        // Why it does not start is said by the hub, in a sentence.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        if (configuration.LogsAsJson)
        {
            logging.AddJsonConsole(console =>
            {
                console.TimestampFormat = Time.TrimEnd();
                console.UseUtcTimestamp = true;
            });
        }
        else
        {
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = Time;
                console.UseUtcTimestamp = true;
            });
        }
        logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    private static async Task WaitAsync(HubProcess process, CancellationToken cancellationToken)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration asked = cancellationToken.Register(() => stopped.TrySetResult());
        // A closed terminal takes its hub along. To all others the signal means what it means to most servers: read your files again, and
        // go on; logrotate and "systemctl reload" send it.
        bool hasTerminal = !Console.IsInputRedirected;
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            if (hasTerminal)
                stopped.TrySetResult();
            else
                process.Refresh();
        });
        await stopped.Task;
    }
}
