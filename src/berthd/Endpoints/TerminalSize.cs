using Berth.Daemon.Http;

namespace Berth.Daemon.Endpoints;

/// <summary>The size of a terminal in a query: <c>h</c> and <c>w</c>.</summary>
internal static class TerminalSize
{
    /// <exception cref="FaultException">InvalidArgument: missing, no number, or more than a terminal can have.</exception>
    public static (int Rows, int Columns) Read(QueryValues query) => (Read(query, "h"), Read(query, "w"));

    private static int Read(QueryValues query, string name) =>
        ushort.TryParse(query.Text(name), out ushort size)
            ? size
            : throw FaultException.Invalid($"invalid resize {(name == "h" ? "height" : "width")} \"{query.Text(name)}\"");
}
