namespace Berth.Registry.Database;

/// <summary>The tables of accounts' names, repositories, manifests, tags, blobs and uploads.</summary>
/// <remarks>
/// A blob belongs to a repository by its row in <c>repository_blobs</c>, and to the disk by its row in <c>blobs</c>, whose
/// <c>location</c> names
/// the bytes in the storage; no two blobs ever have the same location, so what is deleted can never be what was just pushed again.
/// <c>discarded</c> are the bytes that no row needs any more and that are still there: whoever removes such a row has freed them. Of one
/// that is not <c>confirmed</c> it is to be looked first whether anything is there.
/// </remarks>
internal static class RegistrySchema
{
    public static IReadOnlyList<Migration> Steps { get; } =
    [
        new("registry", 1, """
            create table accounts(
                id {identity}, name text not null unique, kind text not null, display_name text not null default '',
                created_at bigint not null);
            create table repositories(
                id {identity}, account_id bigint references accounts(id), name {name} not null unique, namespace text not null,
                visibility text not null default 'public', description text not null default '', readme text not null default '',
                created_at bigint not null, pushed_at bigint, pull_count bigint not null default 0, star_count bigint not null default 0,
                bytes bigint not null default 0);
            create index repositories_namespace on repositories(namespace);
            create index repositories_account on repositories(account_id);
            create table manifests(
                id {identity}, repository_id bigint not null references repositories(id) on delete cascade, digest {name} not null,
                media_type text not null, config_digest text, artifact_type text, subject_digest text, bytes bigint not null,
                document {bytes} not null, annotations text, depth bigint not null default 0,
                created_at bigint not null, unique(repository_id, digest));
            create index manifests_subject on manifests(repository_id, subject_digest, digest);
            create table manifest_references(
                manifest_id bigint not null references manifests(id) on delete cascade, repository_id bigint not null, digest text not null,
                kind text not null, primary key(manifest_id, digest));
            create index manifest_references_digest on manifest_references(repository_id, digest);
            create table tags(
                repository_id bigint not null references repositories(id) on delete cascade, name {name} not null,
                manifest_digest text not null, updated_at bigint not null, updated_by text, primary key(repository_id, name));
            create index tags_digest on tags(repository_id, manifest_digest);
            create table blobs(digest text primary key, bytes bigint not null, location text not null unique, created_at bigint not null);
            create table repository_blobs(
                repository_id bigint not null references repositories(id) on delete cascade, digest text not null references blobs(digest),
                namespace text not null, used_at bigint not null, primary key(repository_id, digest));
            create index repository_blobs_digest on repository_blobs(digest);
            create index repository_blobs_namespace on repository_blobs(namespace, digest);
            create index repository_blobs_used on repository_blobs(used_at);
            create table uploads(
                id text primary key, repository_id bigint not null references repositories(id) on delete cascade, bytes bigint not null,
                algorithm text not null, account_id bigint, started_at bigint not null, updated_at bigint not null, writer text,
                writer_until bigint not null default 0);
            create index uploads_updated on uploads(updated_at);
            create table discarded(location text primary key, bytes bigint not null, discarded_at bigint not null);
            create table quotas(namespace text primary key, bytes_used bigint not null default 0, bytes_max bigint);
            """),
        // Documents were not counted before.
        new("registry", 2, CountQuotas),
        // What a listing of the storage told may be gone by the time it is written down.
        new("registry", 3, "alter table discarded add column confirmed bigint not null default 1"),
        // What a request that runs has said that it will write, or has written: quotas count it before "bytes" tells.
        new("registry", 4, "alter table uploads add column claimed bigint not null default 0"),
        new("registry", 5, "alter table manifests add column pulled_at bigint"),
    ];

    /// <summary>Counts anew what every namespace uses.</summary>
    public const string CountQuotas = """
        insert into quotas(namespace, bytes_used) select distinct namespace, 0 from repositories where true
        on conflict (namespace) do nothing;
        update quotas set bytes_used = coalesce((select cast(sum(b.bytes) as bigint) from blobs b
                where b.digest in (select l.digest from repository_blobs l where l.namespace = quotas.namespace)), 0)
            + coalesce((select cast(sum(m.bytes) as bigint) from manifests m join repositories r on r.id = m.repository_id
                where r.namespace = quotas.namespace), 0);
        """;
}
