using Berth.Faults;

namespace Berth.Runtime.Bus;

/// <summary>Types as letters: how large they are, where they may stand, and where one of them ends.</summary>
/// <remarks>D-Bus specification, "Summary of types" and "Valid signatures".</remarks>
internal static class BusSignature
{
    /// <summary>How deep types may be nested; the specification allows 32 arrays and 32 structs.</summary>
    public const int DepthMax = 64;

    /// <summary>Bytes of a type of fixed size.</summary>
    public static int SizeOf(char type) => type switch
    {
        'y' => 1,
        'n' or 'q' => 2,
        'b' or 'i' or 'u' or 'h' => 4,
        'x' or 't' or 'd' => 8,
        _ => throw FaultException.Invalid($"D-Bus type {type}: it has no fixed size"),
    };

    /// <summary>True for a type of fixed size.</summary>
    public static bool IsNumber(char type) => "ynqbiuhxtd".Contains(type);

    /// <summary>What a value's place is a multiple of.</summary>
    public static int AlignmentOf(char type) => type switch
    {
        'y' or 'g' or 'v' => 1,
        's' or 'o' or 'a' => 4,
        '(' or '{' => 8,
        _ => SizeOf(type),
    };

    /// <summary>How many letters the first whole type has.</summary>
    /// <exception cref="FaultException">InvalidArgument: no type stands there, or it is nested too deep.</exception>
    public static int LengthOfFirst(ReadOnlySpan<char> signature, int depth = 0)
    {
        if (signature.IsEmpty || depth > DepthMax)
            throw Wrong(signature);
        switch (signature[0])
        {
            case 's' or 'o' or 'g' or 'v':
                return 1;
            case 'a':
                return 1 + LengthOfFirst(signature[1..], depth + 1);
            case '(' or '{':
                int length = 1;
                char end = signature[0] == '(' ? ')' : '}';
                while (length < signature.Length && signature[length] != end)
                    length += LengthOfFirst(signature[length..], depth + 1);
                return length > 1 && length < signature.Length ? length + 1 : throw Wrong(signature);
            default:
                return IsNumber(signature[0]) ? 1 : throw Wrong(signature);
        }
    }

    private static FaultException Wrong(ReadOnlySpan<char> signature) =>
        FaultException.Invalid($"D-Bus signature \"{signature}\": not a type");
}
