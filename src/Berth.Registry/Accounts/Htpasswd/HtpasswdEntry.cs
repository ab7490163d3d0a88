using System.Security.Cryptography;
using System.Text;

namespace Berth.Registry.Accounts.Htpasswd;

/// <summary>A line of an htpasswd file that can be used.</summary>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Name">The account's name.</param>
/// <param name="Hash">The password's bcrypt hash.</param>
public sealed record HtpasswdEntry(int Line, string Name, string Hash)
{
    /// <summary>What is kept of the entry with a session that its password opened: another password has another.</summary>
    public string Mark => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Name}\n{Hash}")).AsSpan(0, 16));
}

/// <summary>A line of an htpasswd file that cannot be used.</summary>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Reason">What is wrong, and what to do; neither the password nor its hash is in it.</param>
public sealed record HtpasswdRefusal(int Line, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"line {Line}: {Reason}";
}
