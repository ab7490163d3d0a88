using System.Text;
using Berth.Cli.Text;

namespace Berth.Cli.Terminals;

/// <summary>The three standard streams and what is known of the terminal behind them.</summary>
/// <remarks>Bare byte streams: a container's output passes through untouched. Tests put their own streams here.</remarks>
internal sealed class Console(Stream input, Stream output, Stream error)
{
    public Stream Input => input;

    public Stream Output => output;

    public Stream Error => error;

    /// <summary>Null when standard input is no terminal.</summary>
    public ITerminal? InputTerminal { get; init; }

    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>Columns and rows of the terminal, or null.</summary>
    public Func<(int Columns, int Rows)?> Size { get; init; } = static () => null;

    public void Print(string text) => output.Write(Encoding.UTF8.GetBytes(text));

    /// <summary>Says something that may quote a stranger: an image, a registry, a container.</summary>
    public void Warn(string text) => error.Write(Encoding.UTF8.GetBytes(GoValue.Visible(text)));

    /// <summary>The console of this process.</summary>
    public static Console OfProcess()
    {
        bool terminal = SystemTerminal.IsTerminal(0);
        return new Console(
            new StandardInput(), new StandardOutput(1), new StandardOutput(2))
        {
            InputTerminal = terminal ? new SystemTerminal() : null,
            OutputIsTerminal = SystemTerminal.IsTerminal(1),
            ErrorIsTerminal = SystemTerminal.IsTerminal(2),
            Size = static () => SystemTerminal.GetSize(),
        };
    }
}

/// <summary>A terminal whose line editing can be turned off.</summary>
internal interface ITerminal
{
    /// <summary>Passes every key on as it is typed until the result is disposed.</summary>
    IDisposable EnterRawMode();

    /// <summary>Reads without showing what is typed until the result is disposed.</summary>
    IDisposable HideInput();
}
