using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>Which private repositories an account may have a right to: those of its own name and of its organisations.</summary>
internal static class CallerNamespaces
{
    /// <summary>A condition on <c>repositories r</c>. It is wider than the rights; the access rules decide about each row.</summary>
    public static SqlText Condition(long accountId) => $"r.account_id in ({Accounts(accountId)})";

    /// <summary>The accounts themselves: a query of their numbers.</summary>
    public static SqlText Accounts(long accountId) =>
        $"select {accountId} union all select organisation_id from memberships where account_id = {accountId}";
}
