using System.CommandLine;
using Berth.Hub;

// Asked to stop, running requests get their time (HubServer); who still hangs after this long is ended.
return await HubCommandLine.Create().Parse(args).InvokeAsync(
    new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
