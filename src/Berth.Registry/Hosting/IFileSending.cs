using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Hosting;

/// <summary>A connection on which the kernel can send a file by itself, without the bytes passing through the process.</summary>
internal interface IFileSending
{
    /// <summary>Sends a part of a file as the whole body of a response whose length is set.</summary>
    Task SendAsync(HttpResponse response, FileStream file, long offset, long count, CancellationToken cancellationToken);
}
