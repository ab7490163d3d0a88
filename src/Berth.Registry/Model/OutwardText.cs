using Amazon.Runtime;
using Npgsql;

namespace Berth.Registry.Model;

/// <summary>What strangers are told of a fault: drivers name inner hosts, ports and tables, which are for the log.</summary>
internal static class OutwardText
{
    /// <summary>The fault's message, or a sentence in its place.</summary>
    public static string Of(FaultException fault)
    {
        if (fault.InnerException is NpgsqlException)
            return "the hub's database does not answer: try again in a moment";
        return fault.InnerException is AmazonServiceException or AmazonClientException or HttpRequestException
            && fault.Message.StartsWith(StorageAway, StringComparison.Ordinal)
            ? "the hub's storage does not answer: try again in a moment"
            : fault.Message;
    }

    /// <summary>How the message of a storage begins that cannot be asked.</summary>
    public const string StorageAway = "ask the storage";
}
