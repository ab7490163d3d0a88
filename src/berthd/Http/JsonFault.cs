using System.Text.Json;

namespace Berth.Daemon.Http;

/// <summary>What is wrong with a client's JSON, in words that name nothing of our program.</summary>
internal static class JsonFault
{
    private const string WrongType = "The JSON value could not be converted to ";

    /// <summary>One sentence with the place.</summary>
    public static string Text(JsonException failure)
    {
        if (!failure.Message.StartsWith(WrongType, StringComparison.Ordinal))
            return failure.Message;
        string place = failure.Path is null or "" or "$" ? "the document" : failure.Path.StartsWith("$.", StringComparison.Ordinal)
            ? failure.Path[2..] : failure.Path;
        return $"{place} is of the wrong type (line {failure.LineNumber + 1}, byte {failure.BytePositionInLine + 1})";
    }
}
