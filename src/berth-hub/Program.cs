using System.CommandLine;
using Berth.Hub;

return await HubCommandLine.Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
