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
        long i = 0;
        for (; i + sizeof(ulong) <= count; i += sizeof(ulong))
            *(ulong*)(to + i) = *(ulong*)(from + i);
        for (; i < count; i++)
            to[i] = from[i];
    }

    /// <summary>The first place of a byte, or -1.</summary>
    public static int Find(byte* text, int count, byte wanted)
    {
        const ulong ones = 0x0101010101010101, highs = 0x8080808080808080;
        ulong pattern = ones * wanted;
        int i = 0;
        for (; i + sizeof(ulong) <= count; i += sizeof(ulong))
        {
            ulong same = *(ulong*)(text + i) ^ pattern;
            if ((same - ones & ~same & highs) != 0)
                break;
        }
        for (; i < count; i++)
        {
            if (text[i] == wanted)
                return i;
        }
        return -1;
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
