using Berth.RuntimeProgram.CommandLine;

// The stage never comes here: it runs before the .NET runtime (Berth.Stage, docs/adr/0001-first-process.md).
return Dispatcher.Run(args);
