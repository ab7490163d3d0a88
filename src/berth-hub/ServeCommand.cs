using System.CommandLine;
using System.Net;
using Berth.Registry.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Hub;

/// <summary><c>berth-hub serve</c>: runs until it is asked to stop.</summary>
internal static class ServeCommand
{
    private static readonly Option<string> s_listen = new("--listen")
    {
        Description = "Address and port to listen on", HelpName = "ADDRESS:PORT", DefaultValueFactory = _ => HubOptions.DefaultListen,
    };

    private static readonly Option<string> s_data = new("--data")
    {
        Description = "Directory of blobs and of the embedded database", HelpName = "DIR",
        DefaultValueFactory = _ => HubOptions.DefaultDataDirectory,
    };

    private static readonly Option<string?> s_database = new("--database")
    {
        Description = "PostgreSQL connection string instead of the embedded database", HelpName = "CONNECTION",
    };

    private static readonly Option<bool> s_anonymousPush = new("--anonymous-push")
    {
        Description = "Whoever can connect may push and delete: for tests and for one's own machine",
    };

    public static Command Create()
    {
        var command = new Command("serve", "Serve the registry and its pages") { s_listen, s_data, s_database, s_anonymousPush };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (!IPEndPoint.TryParse(parsed.GetValue(s_listen)!, out IPEndPoint? listen))
        {
            Console.Error.WriteLine($"--listen {parsed.GetValue(s_listen)}: not an address and a port, as in 127.0.0.1:5000");
            return 1;
        }
        HubOptions options = new()
        {
            Listen = [listen],
            DataDirectory = Path.GetFullPath(parsed.GetValue(s_data)!),
            Database = parsed.GetValue(s_database),
            AnonymousPush = parsed.GetValue(s_anonymousPush),
        };
        using ILoggerFactory loggers = LoggerFactory.Create(logging => logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            console.UseUtcTimestamp = true;
        }));
        try
        {
            await using HubServices services = await HubServices.OpenAsync(options, loggers, TimeProvider.System, cancellationToken);
            await using HubServer server = await HubServer.StartAsync(services, cancellationToken);
            foreach (Uri address in server.Addresses)
                Console.WriteLine($"berth-hub listens on {address}");
            await WaitAsync(cancellationToken);
            return 0;
        }
        catch (FaultException fault)
        {
            Console.Error.WriteLine($"failed to start: {fault.Message}");
            return 1;
        }
    }

    private static Task WaitAsync(CancellationToken cancellationToken)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cancellationToken.Register(stopped.SetResult);
        return stopped.Task;
    }
}
