using System.Text.Json;

namespace Berth.Daemon.Options;

/// <summary>Reads <c>daemon.json</c>: Docker's keys, every mistake at once.</summary>
internal static class ConfigurationFile
{
    private const int BytesMax = 1024 * 1024;

    /// <summary>Reads a file into <paramref name="errors"/> and the values it sets. A missing file sets nothing, unless the user
    /// named it.</summary>
    public static SettingValues Read(string path, bool isNamed, ICollection<string> errors)
    {
        var values = new SettingValues();
        if (!File.Exists(path))
        {
            if (isNamed)
                errors.Add($"unable to configure the Docker daemon with file {path}: open {path}: no such file or directory");
            return values;
        }
        try
        {
            if (new FileInfo(path).Length > BytesMax)
                throw new JsonException($"it is larger than {BytesMax} bytes");
            string text = File.ReadAllText(path);
            if (!string.IsNullOrWhiteSpace(text))
                Parse(text, path, values, errors);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            errors.Add($"unable to configure the Docker daemon with file {path}: {failure.Message}");
        }
        return values;
    }

    private static void Parse(string text, string path, SettingValues values, ICollection<string> errors)
    {
        using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
        if (document.RootElement.ValueKind is not JsonValueKind.Object)
            throw new JsonException("it is not a JSON object");
        var unknown = new List<string>();
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            Setting? setting = Settings.All.FirstOrDefault(known => known.Key == property.Name);
            if (setting is null)
                unknown.Add(property.Name);
            else if (ToTexts(setting.Kind, property.Value) is { } texts)
                values.Set(setting, texts);
            else
                errors.Add($"unable to configure the Docker daemon with file {path}: {property.Name}: "
                    + $"{Expected(setting.Kind)} is expected");
        }
        if (unknown.Count > 0)
            errors.Add($"unable to configure the Docker daemon with file {path}: the following directives don't match any "
                + $"configuration option: {string.Join(", ", unknown)}");
    }

    private static string Expected(SettingKind kind) => kind switch
    {
        SettingKind.Flag => "true or false",
        SettingKind.Number => "a number",
        SettingKind.List => "a list of strings",
        SettingKind.Map => "an object of strings",
        SettingKind.NetworkOptions => "an object of objects of strings",
        SettingKind.Switches => "an object of true and false",
        SettingKind.Ulimits => "an object of objects with Name, Soft and Hard",
        SettingKind.Runtimes => "an object of objects with path and, if need be, runtimeArgs (a list of strings), and nothing else,",
        SettingKind.Pools => "a list of objects with base and size",
        _ => "a string",
    };

    private static IReadOnlyList<string>? ToTexts(SettingKind kind, JsonElement value) => (kind, value.ValueKind) switch
    {
        (SettingKind.Text, JsonValueKind.String) => [value.GetString()!],
        (SettingKind.Flag, JsonValueKind.True) => ["true"],
        (SettingKind.Flag, JsonValueKind.False) => ["false"],
        (SettingKind.Number, JsonValueKind.Number) => [value.GetRawText()],
        (SettingKind.List, JsonValueKind.Array) when value.EnumerateArray().All(IsString) =>
            [.. value.EnumerateArray().Select(item => item.GetString()!)],
        (SettingKind.Map, JsonValueKind.Object) when value.EnumerateObject().All(item => IsString(item.Value)) =>
            [.. value.EnumerateObject().Select(item => $"{item.Name}={item.Value.GetString()}")],
        (SettingKind.NetworkOptions, JsonValueKind.Object) when value.EnumerateObject().All(driver =>
                driver.Value.ValueKind is JsonValueKind.Object && driver.Value.EnumerateObject().All(item => IsString(item.Value))) =>
            [.. value.EnumerateObject().SelectMany(driver => driver.Value.EnumerateObject()
                .Select(item => $"{driver.Name}={item.Name}={item.Value.GetString()}"))],
        (SettingKind.Switches, JsonValueKind.Object) when value.EnumerateObject().All(item => IsSwitch(item.Value)) =>
            [.. value.EnumerateObject().Select(item => $"{item.Name}={(item.Value.GetBoolean() ? "true" : "false")}")],
        (SettingKind.Ulimits, JsonValueKind.Object) when value.EnumerateObject().All(item => IsUlimit(item.Value)) =>
            [.. value.EnumerateObject().Select(item => UlimitText(item.Name, item.Value))],
        (SettingKind.Runtimes, JsonValueKind.Object) when value.EnumerateObject().All(item => IsRuntime(item.Value)) =>
            [.. value.EnumerateObject().Select(item => RuntimeText.Of(
                item.Name, item.Value.GetProperty("path").GetString()!, Arguments(item.Value)))],
        (SettingKind.Pools, JsonValueKind.Array) when value.EnumerateArray().All(IsPool) =>
            [.. value.EnumerateArray().Select(
                item => $"base={item.GetProperty("base").GetString()},size={item.GetProperty("size").GetInt32()}")],
        _ => null,
    };

    private static bool IsString(JsonElement value) => value.ValueKind is JsonValueKind.String;

    private static bool IsSwitch(JsonElement value) => value.ValueKind is JsonValueKind.True or JsonValueKind.False;

    private static bool IsUlimit(JsonElement value) =>
        value.ValueKind is JsonValueKind.Object
        && value.TryGetProperty("Soft", out JsonElement soft) && soft.ValueKind is JsonValueKind.Number && soft.TryGetInt64(out _)
        && value.TryGetProperty("Hard", out JsonElement hard) && hard.ValueKind is JsonValueKind.Number && hard.TryGetInt64(out _);

    private static bool IsRuntime(JsonElement value) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty("path", out JsonElement path) && IsString(path)
        && value.EnumerateObject().All(item => item.Name == "path" || (item.Name == "runtimeArgs"
            && item.Value.ValueKind is JsonValueKind.Array && item.Value.EnumerateArray().All(IsString)));

    private static IEnumerable<string> Arguments(JsonElement runtime) =>
        runtime.TryGetProperty("runtimeArgs", out JsonElement all) ? all.EnumerateArray().Select(item => item.GetString()!) : [];

    private static bool IsPool(JsonElement value) =>
        value.ValueKind is JsonValueKind.Object
        && value.TryGetProperty("base", out JsonElement range) && IsString(range)
        && value.TryGetProperty("size", out JsonElement size) && size.ValueKind is JsonValueKind.Number && size.TryGetInt32(out _);

    private static string UlimitText(string name, JsonElement value) =>
        $"{name}={value.GetProperty("Soft").GetInt64()}:{value.GetProperty("Hard").GetInt64()}";
}
