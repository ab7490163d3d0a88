using Berth.Runtime.Tests.Containers;

// Started again by EngineDeathTests as an engine of its own; otherwise the test runner.
return args is ["@engine", var script, var shared, .. var rest]
    ? await EngineHost.RunAsync(script, shared, isHanging: rest is ["hang"])
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
