namespace Berth.Registry.Operation.Webhooks;

/// <summary>An address that is told what happens to repositories.</summary>
/// <param name="Id">The row.</param>
/// <param name="Repository">Which: <c>alice/app</c>, or all of a namespace: <c>alice/*</c>.</param>
/// <param name="Url">The address.</param>
/// <param name="Events">What it is told: <c>push</c>, <c>delete</c>.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record Webhook(long Id, string Repository, string Url, IReadOnlyList<string> Events, DateTimeOffset CreatedAt);

/// <summary>One thing that an address is or was told.</summary>
/// <param name="Id">The row.</param>
/// <param name="EventId">The event; the same in every attempt, so that receivers can drop repetitions.</param>
/// <param name="State"><c>waiting</c>, <c>done</c> or <c>given up</c>.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="Status">What was answered last; null for no answer.</param>
/// <param name="Problem">Why the last attempt failed; null when it did not.</param>
/// <param name="NextAt">When it is tried next, or was last.</param>
public sealed record WebhookDelivery(
    long Id, string EventId, string State, int Attempts, int? Status, string? Problem, DateTimeOffset NextAt);
