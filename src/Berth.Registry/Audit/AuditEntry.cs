namespace Berth.Registry.Audit;

/// <summary>One change: who made it, what it was, when, and from where.</summary>
/// <param name="Id">Counts up; the place in the list.</param>
/// <param name="At">When.</param>
/// <param name="ActorId">The account; null for the command line and for strangers.</param>
/// <param name="Actor">The account's name at the time; <c>(command line)</c> or <c>(anonymous)</c> where there was none.</param>
/// <param name="Address">The address it came from; empty for the command line.</param>
/// <param name="Action">What was done, as in <c>user.create</c>: see <see cref="AuditActions"/>.</param>
/// <param name="Subject">To what: a user's, organisation's or repository's name.</param>
/// <param name="Details">What else is to be known, in words; never a secret.</param>
public sealed record AuditEntry(
    long Id, DateTimeOffset At, long? ActorId, string Actor, string Address, string Action, string Subject, string Details);
