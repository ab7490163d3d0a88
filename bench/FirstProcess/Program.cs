// Measures the candidates of ADR 0001 side by side: the first process as two NativeAOT processes (a), as built (c), and as a C program (d);
// then further processes, and what a monitor costs in memory.
// usage (root): bench/FirstProcess/run.sh [TIMES]
using System.Globalization;
using Berth.Bench.FirstProcess;

return args switch
{
    ["@one", ..] => TwoStages.First(args),
    ["@two", ..] => TwoStages.Second(args),
    [var program, var tools, var times] => await new Measure(program, tools, int.Parse(times, CultureInfo.InvariantCulture)).RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: FirstProcess BERTH-RUNTIME TOOLS-DIRECTORY TIMES (bench/FirstProcess/run.sh builds and runs it)");
    return 2;
}
