namespace Berth.Stage;

/// <summary>Zero-ended bytes.</summary>
internal static unsafe class Text
{
    public static bool Same(byte* a, byte* b)
    {
        while (*a != 0 && *a == *b)
        {
            a++;
            b++;
        }
        return *a == *b;
    }

    public static int Length(byte* text)
    {
        int length = 0;
        while (text[length] != 0)
            length++;
        return length;
    }

    /// <summary>Copies bytes without calling a runtime helper.</summary>
    public static void Copy(byte* to, byte* from, long count)
    {
        for (long i = 0; i < count; i++)
            to[i] = from[i];
    }

    public static void Zero(void* at, int count)
    {
        byte* bytes = (byte*)at;
        for (int i = 0; i < count; i++)
            bytes[i] = 0;
    }

    /// <summary>Appends a text and returns the new end, where a zero stands.</summary>
    public static byte* Append(byte* to, byte* text)
    {
        while (*text != 0)
            *to++ = *text++;
        *to = 0;
        return to;
    }

    /// <summary>Appends a number, at least <paramref name="digitsMin"/> digits.</summary>
    public static byte* Append(byte* to, long number, int digitsMin = 1)
    {
        byte* digits = stackalloc byte[24];
        int count = 0;
        while (number > 0 || count < digitsMin)
        {
            digits[count++] = (byte)('0' + number % 10);
            number /= 10;
        }
        while (count > 0)
            *to++ = digits[--count];
        *to = 0;
        return to;
    }
}
