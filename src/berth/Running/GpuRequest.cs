using System.Globalization;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Text;

namespace Berth.Cli.Running;

/// <summary><c>--gpus all</c>, <c>--gpus 2</c>, <c>--gpus '"device=0,1",capabilities=utility'</c>.</summary>
internal static class GpuRequest
{
    /// <exception cref="UsageException">Not a request.</exception>
    public static DeviceRequest Parse(string text)
    {
        DeviceRequest request = new() { Capabilities = [["gpu"]], Options = new Dictionary<string, string>() };
        bool counted = false;
        foreach (string field in Csv.Split(text))
        {
            (string key, string value) = KeyValues.Split(field);
            if (!field.Contains('='))
                (key, value) = ("count", field);
            switch (key)
            {
                case "driver":
                    request.Driver = value;
                    break;
                case "count":
                    request.Count = value == "all" ? -1
                        : int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int count) ? count
                        : throw Wrong(text, $"invalid count ({value}): value must be either \"all\" or an integer: invalid syntax");
                    counted = true;
                    break;
                case "device":
                    request.DeviceIDs = value.Split(',');
                    break;
                case "capabilities":
                    request.Capabilities = [[.. value.Split(','), "gpu"]];
                    break;
                case "options":
                    request.Options = KeyValues.Map(Csv.Split(value));
                    break;
                default:
                    throw Wrong(text, $"unexpected key '{key}' in '{field}'");
            }
        }
        if (!counted && request.DeviceIDs is null)
            request.Count = 1;
        return request;
    }

    private static UsageException Wrong(string text, string problem) =>
        new($"invalid argument {GoValue.Quote(text)} for \"--gpus\" flag: {problem}");
}
