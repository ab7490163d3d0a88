using System.Text;
using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Client;

namespace Berth.Cli.Text;

/// <summary>Shows the progress lines of pull, push, build and load: bars on a terminal, one line per change otherwise.</summary>
internal sealed class Progress(Stream output, bool isTerminal, int width)
{
    private readonly Dictionary<string, int> _lines = [];

    /// <summary>Called with each <c>aux</c> value.</summary>
    public Action<JsonElement>? Auxiliary { get; init; }

    /// <exception cref="CommandException">The stream carries an error.</exception>
    public async Task ShowAsync(EngineResponse response, CancellationToken cancellationToken)
    {
        await foreach (JsonElement message in response.ReadJsonLinesAsync(cancellationToken))
            Show(message);
        output.Flush();
    }

    /// <exception cref="CommandException">The message is an error.</exception>
    public void Show(JsonElement message)
    {
        if (message.At("aux") is { ValueKind: not JsonValueKind.Undefined } aux)
        {
            Auxiliary?.Invoke(aux);
            return;
        }
        if (message.At("errorDetail") is { ValueKind: JsonValueKind.Object } detail)
            throw new CommandException(detail.Text("message"), detail.Number("code") is > 0 and < 256 and var code ? (int)code : 1);
        if (message.Text("error") is { Length: > 0 } error)
            throw new CommandException(error);
        string id = message.Text("id");
        string bar = Bar(message.At("progressDetail"));
        bool hasDetail = message.At("progressDetail").ValueKind == JsonValueKind.Object;
        if (!isTerminal)
        {
            if (bar.Length == 0)
                Write(Line(message, id, "") + (message.Text("stream").Length > 0 ? "" : "\n"));
            return;
        }
        if (id.Length == 0)
        {
            _lines.Clear();
            Write(message.Text("stream") is { Length: > 0 } text ? text : Line(message, id, "") + "\n");
            return;
        }
        ShowAt(id, hasDetail, Line(message, id, bar));
    }

    private void ShowAt(string id, bool hasDetail, string line)
    {
        if (!hasDetail && !_lines.ContainsKey(id))
        {
            Write(line + "\n");
            return;
        }
        if (!_lines.TryGetValue(id, out int row))
        {
            _lines[id] = row = _lines.Count;
            Write("\n");
        }
        int up = _lines.Count - row;
        Write($"\x1b[{up}A\x1b[2K\r{line}\r\x1b[{up}B");
    }

    private static string Line(JsonElement message, string id, string bar)
    {
        if (message.Text("stream") is { Length: > 0 } text)
            return text;
        string prefix = id.Length > 0 ? id + ": " : "";
        string from = message.Text("from") is { Length: > 0 } source ? $"(from {source}) " : "";
        return $"{prefix}{from}{message.Text("status")}{(bar.Length > 0 ? " " + bar : "")}";
    }

    private string Bar(JsonElement detail)
    {
        long current = detail.Number("current");
        long total = detail.Number("total");
        if (current <= 0 && total <= 0)
            return "";
        if (total <= 0)
            return Humanize.Size(current).PadLeft(8);
        string box = "";
        if (width > 110)
        {
            int half = (int)(Math.Min(1.0, (double)current / total) * 100) / 2;
            box = $"[{new string('=', half)}>{new string(' ', 50 - half)}] ";
        }
        return current > total ? box + Humanize.Size(current).PadLeft(8)
            : box + $"{Humanize.Size(current).PadLeft(8)}/{Humanize.Size(total)}";
    }

    private void Write(string text) => output.Write(Encoding.UTF8.GetBytes(text));
}
