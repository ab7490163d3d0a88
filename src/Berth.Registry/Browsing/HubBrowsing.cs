using Berth.Registry.Access;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Diary;
using Berth.Registry.Repositories;
using Berth.Registry.Retention;

namespace Berth.Registry.Browsing;

/// <summary>What the pages and the JSON API read and change, made once for a hub.</summary>
public sealed class HubBrowsing
{
    /// <summary>Puts the parts together.</summary>
    public HubBrowsing(HubDatabase database, IAccessRules access, ISmallBlobs blobs, AuditLog audit, RepositoryNews news, TimeProvider time)
    {
        Search = new RepositorySearch(database, access);
        Tags = new TagList(database);
        Images = new ImageCatalogue(database, blobs);
        Stars = new Stars(database, time);
        Diary = new TagDiary(database, news, time);
        Settings = new RepositorySettings(database, audit, news, time);
        Marks = new MarkService(database, audit);
        Retention = new RetentionService(database, Settings, news, time);
    }

    /// <summary>Lists of repositories.</summary>
    public RepositorySearch Search { get; }

    /// <summary>Lists of tags.</summary>
    public TagList Tags { get; }

    /// <summary>What manifests say.</summary>
    public ImageCatalogue Images { get; }

    /// <summary>Who likes what.</summary>
    public Stars Stars { get; }

    /// <summary>What tags named when.</summary>
    public TagDiary Diary { get; }

    /// <summary>What owners change.</summary>
    public RepositorySettings Settings { get; }

    /// <summary>What administrators stand for and whom they know.</summary>
    public MarkService Marks { get; }

    /// <summary>What is kept.</summary>
    public RetentionService Retention { get; }
}
