using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Berth.Daemon.Http;

/// <summary>JSON as the body of an answer whose headers were sent before.</summary>
internal static class JsonBody
{
    /// <summary>Writes the value and a line break.</summary>
    public static async Task WriteAsync<T>(ApiCall call, T value, JsonTypeInfo<T> type)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        // One piece: some clients read a chunk and take it for the whole answer.
        await call.Http.Response.Body.WriteAsync((byte[])[.. json, (byte)'\n'], call.Cancelled);
    }
}
