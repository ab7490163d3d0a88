using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol;

/// <summary>Writes errors as the protocol has them: <c>{"errors":[{"code":…,"message":…,"detail":…}]}</c>.</summary>
internal static class ErrorAnswer
{
    public static async Task WriteAsync(HttpContext context, RegistryException error)
    {
        HttpResponse response = context.Response;
        if (response.HasStarted)
        {
            // Too late for words: a cut connection is the only way left to say that the answer is not whole.
            context.Abort();
            return;
        }
        response.StatusCode = error.Status;
        response.ContentType = "application/json; charset=utf-8";
        byte[] body = Body(error);
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }

    // Docker's clients lose the code of an error without a detail, and take "no such manifest" for a failure. It says nothing of what was
    // asked for: a stranger gets the same answer for what is private and for what is not there, byte for byte.
    private static byte[] Body(RegistryException error)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("errors"u8);
            json.WriteStartObject();
            json.WriteString("code"u8, error.Code.ToString());
            json.WriteString("message"u8, error.Message);
            json.WriteStartObject("detail"u8);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
