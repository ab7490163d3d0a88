using System.Text.Json;

namespace Berth.Registry.Operation.Configuration;

/// <summary>Reads a hub's configuration file: a JSON object with the keys of <see cref="HubSettings"/>; every mistake at once.</summary>
public static class ConfigurationFile
{
    private const int BytesMax = 1024 * 1024;

    /// <summary>The values that a file sets; what is wrong with it is added to <paramref name="errors"/>.</summary>
    public static SettingValues Read(string path, ICollection<string> errors)
    {
        var values = new SettingValues();
        try
        {
            if (new FileInfo(path).Length > BytesMax)
                throw new JsonException($"it is larger than {BytesMax} bytes");
            Parse(File.ReadAllBytes(path), path, values, errors);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            errors.Add($"{path}: {failure.Message}");
        }
        return values;
    }

    private static void Parse(byte[] text, string path, SettingValues values, ICollection<string> errors)
    {
        using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions
        {
            AllowDuplicateProperties = false, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true,
        });
        if (document.RootElement.ValueKind is not JsonValueKind.Object)
            throw new JsonException("it is not a JSON object");
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            HubSetting? setting = HubSettings.All.FirstOrDefault(known => known.Key == property.Name);
            if (setting is null)
                errors.Add($"{path}: {property.Name}: there is no such setting");
            else if (TextsOf(setting.Kind, property.Value) is { } texts)
                values.Set(setting, texts);
            else
                errors.Add($"{path}: {property.Name}: {Expected(setting.Kind)} is expected");
        }
    }

    private static string Expected(SettingKind kind) => kind switch
    {
        SettingKind.Flag => "true or false",
        SettingKind.List => "a list of strings",
        SettingKind.Tables => "a list of objects, whose values are true, false and strings without a comma,",
        _ => "a string",
    };

    private static IReadOnlyList<string>? TextsOf(SettingKind kind, JsonElement value) => (kind, value.ValueKind) switch
    {
        (SettingKind.Text, JsonValueKind.String) => [value.GetString()!],
        (SettingKind.Flag, JsonValueKind.True) => ["true"],
        (SettingKind.Flag, JsonValueKind.False) => ["false"],
        (SettingKind.List, JsonValueKind.Array) when value.EnumerateArray().All(item => item.ValueKind is JsonValueKind.String) =>
            [.. value.EnumerateArray().Select(item => item.GetString()!)],
        (SettingKind.Tables, JsonValueKind.Array) when value.EnumerateArray().All(IsTable) =>
            [.. value.EnumerateArray().Select(item => string.Join(',', item.EnumerateObject().Select(TextOf)))],
        _ => null,
    };

    // As a flag writes it, where a comma ends a value.
    private static string TextOf(JsonProperty property) => $"{property.Name}={(property.Value.ValueKind switch
    {
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => property.Value.GetString(),
    })}";

    private static bool IsTable(JsonElement item) => item.ValueKind is JsonValueKind.Object && item.EnumerateObject().All(property =>
        property.Value.ValueKind is JsonValueKind.True or JsonValueKind.False
        || property.Value.ValueKind is JsonValueKind.String && !property.Value.GetString()!.Contains(',', StringComparison.Ordinal));
}
