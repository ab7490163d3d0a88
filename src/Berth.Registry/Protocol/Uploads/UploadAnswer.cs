using Berth.Oci;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Uploads;

/// <summary>The headers that answers about uploads share.</summary>
internal static class UploadAnswer
{
    /// <summary>The upload goes on: where, and after what.</summary>
    public static void GoesOn(RegistryCall call, string id, long bytes, int status)
    {
        HttpResponse response = call.Response;
        response.StatusCode = status;
        Place(call, id, bytes);
        if (status != StatusCodes.Status204NoContent)
            response.ContentLength = 0;
    }

    /// <summary>The upload has become a blob of the repository.</summary>
    public static void Created(RegistryCall call, Digest digest)
    {
        HttpResponse response = call.Response;
        response.StatusCode = StatusCodes.Status201Created;
        response.Headers.Location = $"/v2/{call.Repository}/blobs/{digest}";
        response.Headers["Docker-Content-Digest"] = digest.ToString();
        response.ContentLength = 0;
    }

    /// <summary>The error for bytes that do not follow those that are there, which the headers tell.</summary>
    public static RegistryException OutOfOrder(RegistryCall call, string id, long bytes)
    {
        Place(call, id, bytes);
        return new RegistryException(
            RegistryCode.BLOB_UPLOAD_INVALID, StatusCodes.Status416RangeNotSatisfiable,
            $"the upload has {bytes} bytes: the next is {bytes}");
    }

    // Relative: under which name and scheme the client knows the hub, the client knows best.
    private static void Place(RegistryCall call, string id, long bytes)
    {
        HttpResponse response = call.Response;
        response.Headers.Location = $"/v2/{call.Repository}/blobs/uploads/{id}";
        // An upload without bytes says the same as one with one byte: so has docker's registry it, and clients know.
        response.Headers.Range = $"0-{Math.Max(bytes - 1, 0)}";
        response.Headers["Docker-Upload-UUID"] = id;
    }
}
