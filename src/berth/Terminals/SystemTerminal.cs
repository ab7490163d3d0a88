using Berth.Linux.Terminals;

namespace Berth.Cli.Terminals;

/// <summary>The terminal of this process.</summary>
internal sealed class SystemTerminal : ITerminal
{
    public static bool IsTerminal(int descriptor) => TerminalCalls.IsTerminal(descriptor);

    public static (int Columns, int Rows)? GetSize()
    {
        for (int descriptor = 0; descriptor <= 2; descriptor++)
        {
            if (TerminalCalls.TryGetSize(descriptor, out int columns, out int rows) && columns > 0)
                return (columns, rows);
        }
        return null;
    }

    public IDisposable EnterRawMode()
    {
        TerminalSettings before = TerminalSettings.Get(0);
        before.Raw().Apply(0);
        return new Restore(before);
    }

    public IDisposable HideInput()
    {
        TerminalSettings before = TerminalSettings.Get(0);
        before.WithoutEcho().Apply(0);
        return new Restore(before);
    }

    private sealed class Restore(TerminalSettings before) : IDisposable
    {
        public void Dispose() => before.Apply(0);
    }
}
