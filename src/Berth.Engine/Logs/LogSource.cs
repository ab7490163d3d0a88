using System.Text.Encodings.Web;
using System.Text.Json;
using Berth.Engine.State;

namespace Berth.Engine;

/// <summary>The container a line comes from, as log destinations and tags name it.</summary>
internal sealed record LogSource
{
    /// <summary>Its full ID.</summary>
    public required string Id { get; init; }

    /// <summary>Its name without a slash.</summary>
    public required string Name { get; init; }

    /// <summary>Its image's ID with the algorithm.</summary>
    public required string ImageId { get; init; }

    /// <summary>Its image as it was named.</summary>
    public required string ImageName { get; init; }

    /// <summary>Its program and arguments.</summary>
    public required string Command { get; init; }

    /// <summary>The labels and variables that go along, by name.</summary>
    public required IReadOnlyDictionary<string, string> Attributes { get; init; }

    /// <summary>The tag with its fields filled in; null: none was asked for.</summary>
    public string? Tag { get; init; }

    /// <summary>The first twelve characters of the ID.</summary>
    public string ShortId => Id[..12];

    /// <summary>The tag, or what stands for it where a driver needs one.</summary>
    public string TagOrId => Tag ?? ShortId;

    /// <summary>That of a container.</summary>
    /// <exception cref="Faults.FaultException">InvalidArgument: the tag is no template.</exception>
    public static LogSource Of(ContainerRecord record, LogPlan plan)
    {
        LogSource source = new()
        {
            Id = record.Id,
            Name = record.Name,
            ImageId = record.ImageId.ToString(),
            ImageName = record.Config.Image,
            Command = string.Join(' ', record.Program),
            Attributes = Chosen(record, plan.Attributes),
        };
        return plan.Tag is { Length: > 0 } tag ? source with { Tag = TagTemplate.Fill(tag, source) } : source;
    }

    /// <summary>The attributes and the tag, sorted by name.</summary>
    public IReadOnlyDictionary<string, string> Shown()
    {
        SortedDictionary<string, string> shown = new(Attributes.ToDictionary(), StringComparer.Ordinal);
        if (Tag is not null)
            shown["tag"] = Tag;
        return shown;
    }

    /// <summary>The attributes (and the tag) as the JSON object of a json-file line; null: there are none.</summary>
    public string? Json()
    {
        IReadOnlyDictionary<string, string> shown = Shown();
        if (shown.Count == 0)
            return null;
        using MemoryStream text = new();
        using (Utf8JsonWriter writer = new(text, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            foreach ((string name, string value) in shown)
                writer.WriteString(name, value);
            writer.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    private static SortedDictionary<string, string> Chosen(ContainerRecord record, LogAttributeChoice choice)
    {
        SortedDictionary<string, string> chosen = new(StringComparer.Ordinal);
        foreach ((string name, string value) in record.Config.Labels ?? new Dictionary<string, string>())
            if (choice.Labels.Contains(name) || choice.LabelPattern?.IsMatch(name) == true)
                chosen[name] = value;
        foreach (string variable in record.Config.Env ?? [])
        {
            int equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0
                && (choice.Variables.Contains(variable[..equals]) || choice.VariablePattern?.IsMatch(variable[..equals]) == true))
                chosen[variable[..equals]] = variable[(equals + 1)..];
        }
        return chosen;
    }
}
