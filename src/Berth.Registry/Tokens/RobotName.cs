namespace Berth.Registry.Tokens;

/// <summary>The user name by which a robot signs in: <c>organisation+token</c>.</summary>
public static class RobotName
{
    /// <summary>Whether a token's name can be part of it.</summary>
    public static bool IsValid(string token) => Accounts.AccountName.TryParse(token, out _);

    /// <summary>The name of an organisation's token.</summary>
    public static string Of(string organisation, string token) => $"{organisation}+{token}";
}
