using System.Globalization;
using Berth.Linux.Files;

namespace Berth.Runtime.Bundles;

/// <summary>What the user that made a container is called.</summary>
/// <remarks>Read from <c>/etc/passwd</c> alone. getpwuid(3) loads whatever nsswitch.conf(5) names, and <c>berth-runtime</c> is statically
/// linked: modules such as systemd's end a process that has no thread-local storage for them.</remarks>
internal static class OwnerName
{
    private const string Users = "/etc/passwd";

    /// <summary>This process's user: the name, or <c>#</c> and the number as runc shows who has none.</summary>
    public static string Current => Of(FileCalls.EffectiveUser, Users);

    /// <summary>The same of a number, in a file.</summary>
    public static string Of(uint user, string file)
    {
        string number = user.ToString(CultureInfo.InvariantCulture);
        if (File.Exists(file))
        {
            foreach (string line in File.ReadLines(file))
            {
                if (line.Split(':') is [{ Length: > 0 } name, _, var id, ..] && id == number)
                    return name;
            }
        }
        return $"#{number}";
    }
}
