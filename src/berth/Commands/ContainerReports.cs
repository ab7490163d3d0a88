using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary>What one container tells of itself: top, port, diff.</summary>
internal static class ContainerReports
{
    public static async Task<int> TopAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        JsonElement answer = await session.Engine.SendForJsonAsync(
            EngineRequest.Get($"/containers/{EngineRequest.Escape(parsed.Arguments[0])}/top")
                .QueryUnlessEmpty("ps_args", string.Join(' ', parsed.Arguments.Skip(1))), cancellationToken);
        TabWriter table = new(20, 3);
        table.Line(string.Join('\t', answer.Texts("Titles")));
        foreach (JsonElement process in answer.Items("Processes"))
            table.Line(string.Join('\t', process.Elements().Select(static c => c.GetString())));
        session.Print(table.ToString());
        return 0;
    }

    public static async Task<int> PortAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        JsonElement container = await session.Engine.SendForJsonAsync(
            EngineRequest.Get($"/containers/{EngineRequest.Escape(parsed.Arguments[0])}/json"), cancellationToken);
        string? wanted = parsed.Arguments.Count < 2 ? null
            : parsed.Arguments[1].Contains('/') ? parsed.Arguments[1] : parsed.Arguments[1] + "/tcp";
        List<string> lines = [];
        foreach (JsonProperty port in container.At("NetworkSettings").Members("Ports"))
        {
            if (wanted is not null && port.Name != wanted)
                continue;
            foreach (JsonElement binding in port.Value.Elements())
            {
                string address = binding.Text("HostIp");
                string host = (address.Contains(':') ? $"[{address}]" : address) + ":" + binding.Text("HostPort");
                lines.Add(wanted is null ? $"{port.Name} -> {host}" : host);
            }
        }
        if (wanted is not null && lines.Count == 0)
            throw new CommandException($"Error: No public port '{parsed.Arguments[1]}' published for {parsed.Arguments[0]}");
        if (wanted is null)
            lines = [.. lines.OrderBy(static l => int.TryParse(l.Split('/')[0], out int port) ? port : 0)];
        foreach (string line in lines)
            session.PrintLine(line);
        return 0;
    }

    public static async Task<int> DiffAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        JsonElement changes = await session.Engine.SendForJsonAsync(
            EngineRequest.Get($"/containers/{EngineRequest.Escape(parsed.Arguments[0])}/changes"), cancellationToken);
        foreach (JsonElement change in changes.Elements())
            session.PrintLine($"{change.Number("Kind") switch { 0 => 'C', 1 => 'A', _ => 'D' }} {change.Text("Path")}");
        return 0;
    }
}
