using System.Diagnostics;

namespace Berth.Daemon.Http;

/// <summary>The one table from kinds of failure to HTTP statuses.</summary>
internal static class FaultStatus
{
    extension(FaultKind kind)
    {
        /// <summary>The status of an answer that reports a failure of this kind.</summary>
        public int HttpStatus => kind switch
        {
            FaultKind.InvalidArgument => 400,
            FaultKind.Unauthorized => 401,
            FaultKind.Forbidden => 403,
            FaultKind.NotFound => 404,
            FaultKind.Conflict => 409,
            FaultKind.Cancelled => 499,
            FaultKind.Internal => 500,
            FaultKind.NotSupported => 501,
            FaultKind.Unavailable => 503,
            _ => throw new UnreachableException($"unmapped {kind}"),
        };
    }
}
