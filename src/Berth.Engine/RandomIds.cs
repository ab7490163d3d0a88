using System.Security.Cryptography;

namespace Berth.Engine;

/// <summary>Makes IDs of 64 hexadecimal digits, of which the first twelve are never all decimal: a short ID is no number.</summary>
internal static class RandomIds
{
    public static string Next()
    {
        while (true)
        {
            string id = RandomNumberGenerator.GetHexString(64, lowercase: true);
            if (id.AsSpan(0, 12).ContainsAnyExceptInRange('0', '9'))
                return id;
        }
    }
}
