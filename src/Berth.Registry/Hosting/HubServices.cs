using Berth.Registry.Access;
using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Cache;
using Berth.Registry.Collection;
using Berth.Registry.Database;
using Berth.Registry.Operation;
using Berth.Registry.Pages.Readmes;
using Berth.Registry.Protocol.Manifests;
using Berth.Registry.Repositories;
using Berth.Registry.Sealing;
using Berth.Registry.Storage;
using Berth.Registry.Tokens;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Hosting;

/// <summary>All that a hub consists of, made once by <see cref="OpenAsync"/> and reached from everywhere.</summary>
public sealed record HubServices : IAsyncDisposable
{
    /// <summary>The embedded database's file in the data directory.</summary>
    public const string SqliteFile = "hub.db";

    /// <summary>Where in the data directory uploads to S3 wait until they fill a part.</summary>
    public const string SpoolDirectory = "spool";

    /// <summary>How it is to run.</summary>
    public required HubOptions Options { get; init; }

    /// <summary>The metadata.</summary>
    public required HubDatabase Database { get; init; }

    /// <summary>The bytes of blobs.</summary>
    public required IBlobStorage Storage { get; init; }

    /// <summary>Removes what nothing needs.</summary>
    public required Collector Collector { get; init; }

    /// <summary>Users, organisations, tokens and the audit log.</summary>
    public required AccountServices Accounts { get; init; }

    /// <summary>Limits, metrics, webhooks.</summary>
    public required OperationServices Operation { get; init; }

    /// <summary>Who may do what.</summary>
    public required IAccessRules Access { get; init; }

    /// <summary>Who asks.</summary>
    public required ICallerReader Callers { get; init; }

    /// <summary>The time.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Logs.</summary>
    public required ILoggerFactory Loggers { get; init; }

    /// <summary>What pages and the JSON API read and change.</summary>
    public HubBrowsing Browsing => field ??=
        new HubBrowsing(Database, Access, new StoredSmallBlobs(Database, Storage), Accounts.Audit, News, Time);

    /// <summary>Registries that are passed on.</summary>
    public PullThrough Cache => field ??= new PullThrough(Options.Upstreams, Time);

    internal RepositoryNews News => field ??= new RepositoryNews(Accounts.Audit, Operation.Queue, Time);

    internal ManifestCache Manifests => field ??= new ManifestCache(Database);

    internal RenderedReadmes Readmes { get; } = new();

    internal PullCounter Pulls => field ??= new PullCounter(Database);

    /// <summary>Opens database and storage and brings them up to date.</summary>
    /// <exception cref="FaultException">What is missing or wrong.</exception>
    public static async Task<HubServices> OpenAsync(
        HubOptions options, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        HubDatabase database = OpenDatabase(options);
        IBlobStorage? storage = null;
        try
        {
            storage = options.S3 is { } bucket
                ? new S3BlobStorage(bucket, Path.Join(options.DataDirectory, SpoolDirectory))
                : new FileBlobStorage(options.DataDirectory);
            await database.MigrateAsync(HubSchema.Steps, time, cancellationToken).ConfigureAwait(false);
            SealedSecrets seals = await SealedSecrets.OpenAsync(
                database, options.SecretKeyPath, time, loggers.CreateLogger<SealedSecrets>(), cancellationToken).ConfigureAwait(false);
            var accounts = new AccountServices(database, options.Accounts, options.Upstreams, seals, time, loggers);
            var operation = new OperationServices(database, storage, accounts, options, time, loggers);
            return new HubServices
            {
                Options = options,
                Database = database,
                Storage = storage,
                Collector = new Collector(database, storage, time, options),
                Accounts = accounts,
                Operation = operation,
                Access = options.AnonymousPush ? new OpenAccess(anonymousPush: true) : accounts.Access,
                Callers = options.AnonymousPush ? new OpenCallers() : accounts.Callers,
                Time = time,
                Loggers = loggers,
            };
        }
        catch
        {
            if (storage is not null)
                await storage.DisposeAsync().ConfigureAwait(false);
            await database.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Refuses a storage that is not this database's, before anything is done with both. It changes nothing.</summary>
    /// <exception cref="FaultException">Conflict: it is another's, or has none of the blobs. Unavailable: it is away.</exception>
    public Task RequireStorageAsync(CancellationToken cancellationToken) =>
        new StorageBinding(Database, Storage, Options).RequireAsync(cancellationToken);

    /// <summary>Refuses where no hub was begun yet, and makes nothing there.</summary>
    /// <exception cref="FaultException">NotFound: there is none. Unavailable: the database is away.</exception>
    public static async Task RequireAsync(HubOptions options, CancellationToken cancellationToken)
    {
        if (options.Database is null)
        {
            if (!File.Exists(Path.Join(options.DataDirectory, SqliteFile)))
                throw None($"in {options.DataDirectory}: name its directory with --data");
            return;
        }
        await using HubDatabase database = HubDatabase.OpenPostgreSql(options.Database);
        long? tables = await database.ReadAsync(
            (session, token) => session.NumberAsync(
                $"""
                select count(*) from information_schema.tables where table_name = 'migrations' and table_schema = current_schema()
                """, token),
            cancellationToken).ConfigureAwait(false);
        if (tables is not > 0)
            throw None("in this database: name another with --database");
    }

    private static FaultException None(string where) =>
        FaultException.NotFound(
            $"there is no hub {where}; \"serve\", \"restore\", \"import\", \"user add\", \"user invite\" and \"org add\" begin one");

    /// <summary>The metadata alone, as it is.</summary>
    internal static HubDatabase OpenDatabase(HubOptions options)
    {
        MakeDirectory(options.DataDirectory);
        return options.Database is { } connectionString
            ? HubDatabase.OpenPostgreSql(connectionString)
            : HubDatabase.OpenSqlite(Path.Join(options.DataDirectory, SqliteFile));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Pulls.DisposeAsync().ConfigureAwait(false);
        Cache.Dispose();
        Operation.Dispose();
        Accounts.Dispose();
        await Storage.DisposeAsync().ConfigureAwait(false);
        await Database.DisposeAsync().ConfigureAwait(false);
    }

    private static void MakeDirectory(string path)
    {
        try
        {
            // Private repositories and password hashes lie beneath it.
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FaultException.Unavailable($"open data directory: {exception.Message}", exception);
        }
    }
}
