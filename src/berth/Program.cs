using System.Collections;
using Berth.Cli.Terminals;

namespace Berth.Cli;

/// <summary>The command line of Berth: takes arguments apart, asks the engine, prints.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        Dictionary<string, string> environment = [];
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        return await Dispatcher.RunAsync(arguments, Terminals.Console.OfProcess(), environment, CancellationToken.None);
    }
}
