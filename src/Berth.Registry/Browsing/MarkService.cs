using Berth.Registry.Accounts;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Browsing;

/// <summary>A mark and whose it is.</summary>
/// <param name="Mark">Which.</param>
/// <param name="Name">The repository's name, or the user's or organisation's.</param>
public sealed record MarkedName(RepositoryMarks Mark, string Name);

/// <summary>Gives repositories and accounts the administrators' marks and takes them back. Callers decide who may; every change stands in
/// the audit log.</summary>
/// <remarks>
/// A mark is a column of the row that it is of: it ends with the repository or the account, and one that is made anew under the same name
/// has none. Official are only names of one part, into which administrators alone push: what an account's owner puts there would stand
/// under the hub's name otherwise.
/// </remarks>
public sealed class MarkService(HubDatabase database, AuditLog audit)
{
    /// <summary>The word for a mark.</summary>
    public static string TextOf(RepositoryMarks mark) => mark == RepositoryMarks.Official ? "official" : "verified";

    /// <summary>The mark for a word.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is none.</exception>
    public static RepositoryMarks Parse(string text) => text switch
    {
        "official" => RepositoryMarks.Official,
        "verified" => RepositoryMarks.Verified,
        _ => throw FaultException.Invalid($"mark {(text.Length > 40 ? text[..40] + "…" : text)}: official or verified is expected"),
    };

    /// <summary>Gives a mark or takes it back; doing it twice is the same as once.</summary>
    /// <param name="actor">Who asks.</param>
    /// <param name="mark">Which, a single one.</param>
    /// <param name="name">A repository of one part for official; a user or an organisation for verified.</param>
    /// <param name="isSet">Whether it has the mark from now on.</param>
    /// <param name="cancellationToken">Gives up; nothing is changed then.</param>
    /// <exception cref="FaultException">NotFound: there is none of this name. InvalidArgument: its name cannot be official.</exception>
    public Task SetAsync(Caller actor, RepositoryMarks mark, string name, bool isSet, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async (transaction, token) =>
            {
                int changed = mark == RepositoryMarks.Official
                    ? await SetOfficialAsync(transaction, name, isSet, token).ConfigureAwait(false)
                    : await SetVerifiedAsync(transaction, name, isSet, token).ConfigureAwait(false);
                if (changed > 0)
                    await audit.RecordAsync(
                        transaction, actor, isSet ? AuditActions.MarkSet : AuditActions.MarkUnset, name, TextOf(mark), token)
                        .ConfigureAwait(false);
                return changed;
            }, cancellationToken);

    /// <summary>All that have a mark, by mark and name; for administrators.</summary>
    public Task<List<MarkedName>> ListAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async (transaction, token) =>
        {
            List<MarkedName> official = await transaction.ListAsync(
                $"select name from repositories where is_official = 1 order by name",
                row => new MarkedName(RepositoryMarks.Official, row.GetString(0)), token).ConfigureAwait(false);
            List<MarkedName> verified = await transaction.ListAsync(
                $"select name from accounts where is_verified = 1 order by name",
                row => new MarkedName(RepositoryMarks.Verified, row.GetString(0)), token).ConfigureAwait(false);
            return new List<MarkedName>([.. official, .. verified]);
        }, cancellationToken);

    /// <summary>Whether a user or an organisation is a verified publisher.</summary>
    public async Task<bool> IsVerifiedAsync(string name, CancellationToken cancellationToken) => await database.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select 1 from accounts where name = {name} and is_verified = 1", token),
        cancellationToken).ConfigureAwait(false) is not null;

    private static async Task<int> SetOfficialAsync(
        HubTransaction transaction, string text, bool isSet, CancellationToken cancellationToken)
    {
        if (!RepositoryName.TryParse(text, out RepositoryName name)
            || await RepositoryTable.FindVisibleAsync(transaction, name, cancellationToken).ConfigureAwait(false) is not { } repository)
            throw FaultException.NotFound($"mark repository {Shown(text)}: there is none of this name: push or make it first");
        if (isSet && name.Namespace.Length > 0)
            throw FaultException.Invalid(
                $"mark repository {name}: only a name of one part can be official, because administrators alone push to it: "
                + $"mark {name.Namespace} as a verified publisher instead");
        return await transaction.ExecuteAsync(
            $"update repositories set is_official = {isSet} where id = {repository.Id} and is_official <> {isSet}", cancellationToken)
            .ConfigureAwait(false);
    }

    private static async Task<int> SetVerifiedAsync(
        HubTransaction transaction, string name, bool isSet, CancellationToken cancellationToken)
    {
        long id = (AccountName.TryParse(name, out _)
            ? await transaction.NumberAsync($"select id from accounts where name = {name}", cancellationToken).ConfigureAwait(false) : null)
            ?? throw FaultException.NotFound($"mark publisher {Shown(name)}: there is no user or organisation of this name");
        return await transaction.ExecuteAsync(
            $"update accounts set is_verified = {isSet} where id = {id} and is_verified <> {isSet}", cancellationToken)
            .ConfigureAwait(false);
    }

    private static string Shown(string name) => name.Length <= RepositoryName.LengthMax ? name : name[..RepositoryName.LengthMax] + "…";
}
