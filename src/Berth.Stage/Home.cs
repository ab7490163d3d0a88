using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>The home directory of who runs the program, from the container's own <c>/etc/passwd</c>.</summary>
internal static unsafe class Home
{
    /// <summary>Bytes of a variable, its zero included.</summary>
    public const int VariableMax = 4096;

    private const int HomeField = 5, UserField = 2;
    private const int NameLength = 5; // "HOME="
    private const long FileMax = 16 << 20;

    /// <summary>Writes the variable: the first home of that user, <c>/</c> when there is none.</summary>
    public static void Find(uint user, byte* variable)
    {
        Text.Append(variable, Z("HOME=/"u8));
        // The file is the container's: it may be a pipe or anything else.
        int file = Open(Z("/etc/passwd"u8), K.O_NONBLOCK | K.O_NOCTTY | K.O_CLOEXEC);
        if (file < 0)
            return;
        Stat stat;
        if (Fstat(file, &stat) == 0 && (stat.Mode & K.S_IFMT) == K.S_IFREG)
            Search(file, user, variable + NameLength);
        Close(file);
    }

    private static void Search(int file, uint user, byte* home)
    {
        byte* piece = stackalloc byte[4096];
        byte* candidate = stackalloc byte[VariableMax - NameLength];
        int field = 0, length = 0;
        long number = -1;
        for (long total = 0, count; total < FileMax && (count = Read(file, piece, 4096)) > 0; total += count)
        {
            for (long i = 0; i < count; i++)
            {
                byte next = piece[i];
                if (next == (byte)'\n')
                {
                    if (Take(home, candidate, length, field >= HomeField && number == user))
                        return;
                    (field, length, number) = (0, 0, -1);
                }
                else if (next == (byte)':')
                    field++;
                else if (field == UserField)
                    number = WithDigit(number, next);
                else if (field == HomeField && length < VariableMax - NameLength - 1)
                    candidate[length++] = next;
            }
        }
        Take(home, candidate, length, field >= HomeField && number == user);
    }

    // -1: there was none yet; -2: it is no number.
    private static long WithDigit(long number, byte digit) => number == -2 || digit is < (byte)'0' or > (byte)'9' || number > uint.MaxValue
        ? -2 : (number < 0 ? 0 : number * 10) + digit - '0';

    private static bool Take(byte* home, byte* candidate, int length, bool isMeant)
    {
        if (!isMeant)
            return false;
        candidate[length] = 0;
        Text.Append(home, candidate);
        return true;
    }
}
