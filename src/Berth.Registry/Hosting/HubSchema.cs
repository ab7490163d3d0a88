using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Cache;
using Berth.Registry.Collection;
using Berth.Registry.Database;
using Berth.Registry.Diary;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Retention;
using Berth.Registry.Sealing;

namespace Berth.Registry.Hosting;

/// <summary>All subjects' tables, in the order in which they can be made.</summary>
internal static class HubSchema
{
    public static IReadOnlyList<Migration> Steps { get; } =
        [.. RegistrySchema.Steps, .. AccountsSchema.Steps, .. WebhooksSchema.Steps, .. DiarySchema.Steps,
            .. RetentionSchema.Steps, .. BrowsingSchema.Steps, .. CacheSchema.Steps, .. SealingSchema.Steps, .. CollectionSchema.Steps];
}
