namespace Berth.Stage;

/// <summary>What the caller had open when the program was executed: what the .NET runtime opens comes later and is nobody else's.</summary>
public static class StartDescriptors
{
    /// <summary>The first number from 3 on that was not open.</summary>
    public static int FirstFree { get; private set; }

    internal static void Note()
    {
        int number = 3;
        while (Sys.Fcntl(number, 1, 0) >= 0)
            number++;
        FirstFree = number;
    }
}
