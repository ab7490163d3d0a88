using Berth.Faults;

namespace Berth.Builder.Files;

/// <summary><c>--chmod</c>: an octal number or chmod(1)'s symbolic form.</summary>
internal sealed class ModeChange
{
    private readonly int? _octal;
    private readonly IReadOnlyList<(int Who, char Operation, string Permissions)> _clauses = [];

    private ModeChange(int octal) => _octal = octal;

    private ModeChange(IReadOnlyList<(int, char, string)> clauses) => _clauses = clauses;

    /// <exception cref="FaultException">InvalidArgument: neither form.</exception>
    public static ModeChange Parse(string text)
    {
        if (text.Length is > 0 and <= 5 && text.All(c => c is >= '0' and <= '7'))
            return Convert.ToInt32(text, 8) is <= 0xFFF and var mode ? new ModeChange(mode) : throw Invalid(text);
        List<(int, char, string)> clauses = [];
        foreach (string clause in text.Split(','))
            ReadClause(clause, text, clauses);
        return new ModeChange(clauses);
    }

    /// <summary>The permissions after the change.</summary>
    public int Apply(int mode, bool isDirectory)
    {
        if (_octal is { } octal)
            return octal;
        foreach ((int who, char operation, string permissions) in _clauses)
        {
            int bits = BitsOf(permissions, who, mode, isDirectory);
            mode = operation switch { '+' => mode | bits, '-' => mode & ~bits, _ => (mode & ~(who | SpecialOf(who))) | bits };
        }
        return mode;
    }

    private static void ReadClause(string clause, string text, List<(int, char, string)> clauses)
    {
        int at = 0;
        int who = 0;
        for (; at < clause.Length && "ugoa".Contains(clause[at]); at++)
            who |= clause[at] switch { 'u' => 0x1C0, 'g' => 0x38, 'o' => 0x7, _ => 0x1FF };
        if (at >= clause.Length)
            throw Invalid(text);
        while (at < clause.Length)
        {
            char operation = clause[at++];
            int end = at;
            while (end < clause.Length && "rwxXstugo".Contains(clause[end]))
                end++;
            if (operation is not ('+' or '-' or '=') || (end < clause.Length && clause[end] is not ('+' or '-' or '=')))
                throw Invalid(text);
            clauses.Add((who == 0 ? 0x1FF : who, operation, clause[at..end]));
            at = end;
        }
    }

    private static int BitsOf(string permissions, int who, int mode, bool isDirectory)
    {
        int bits = 0;
        foreach (char c in permissions)
        {
            bits |= c switch
            {
                'r' => 0x124 & who,
                'w' => 0x92 & who,
                'x' => 0x49 & who,
                'X' => isDirectory || (mode & 0x49) != 0 ? 0x49 & who : 0,
                's' => ((who & 0x1C0) != 0 ? 0x800 : 0) | ((who & 0x38) != 0 ? 0x400 : 0),
                't' => 0x200,
                'u' => Spread((mode >> 6) & 7) & who,
                'g' => Spread((mode >> 3) & 7) & who,
                _ => Spread(mode & 7) & who,
            };
        }
        return bits;
    }

    private static int Spread(int bits) => bits | (bits << 3) | (bits << 6);

    private static int SpecialOf(int who) =>
        ((who & 0x1C0) != 0 ? 0x800 : 0) | ((who & 0x38) != 0 ? 0x400 : 0) | (who == 0x1FF ? 0x200 : 0);

    private static FaultException Invalid(string text) =>
        FaultException.Invalid(
            $"invalid chmod parameter: '{text}': it should be octal string and between 0 and 07777, or symbolic like u=rwX,go=rX");
}
