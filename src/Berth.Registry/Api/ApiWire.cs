using System.Text.Json.Serialization;

namespace Berth.Registry.Api;

// The documents of the JSON API, as docs/hub-api.md describes them. Times are RFC 3339 in UTC, sizes are bytes.
#pragma warning disable CS1591

internal sealed record ErrorWire(string Error, string Message);

internal sealed record HubWire(string Name, string Version, bool Accounts, string SignUp);

internal sealed record PageWire<T>(IReadOnlyList<T> Items, string? Next);

internal sealed record RepositoryWire(
    string Name, string Visibility, string Description, long Pulls, long Stars, DateTimeOffset CreatedAt, DateTimeOffset? PushedAt,
    long Bytes, bool Official, bool VerifiedPublisher, string? Readme = null, long? Tags = null, IReadOnlyList<string>? May = null);

internal sealed record RepositoryChangeWire(string? Name, string? Visibility, string? Description, string? Readme);

internal sealed record TagWire(
    string Name, string Digest, DateTimeOffset UpdatedAt, string? UpdatedBy, string? Kind, string? MediaType,
    IReadOnlyList<PlatformWire>? Platforms, bool Immutable, DateTimeOffset? PulledAt);

internal sealed record PlatformWire(
    string Platform, string Digest, long Bytes, bool Attestation, bool Here, int BlobsMissing);

internal sealed record ImageWire(
    string Digest, string Kind, string MediaType, IReadOnlyList<PlatformWire> Platforms, DateTimeOffset PushedAt, DateTimeOffset? BuiltAt,
    string? ConfigDigest, IReadOnlyList<StepWire> Steps, IReadOnlyDictionary<string, string>? Labels,
    IReadOnlyDictionary<string, string> Annotations, string? Subject, IReadOnlyList<ReferrerWire> Referrers, IReadOnlyList<string> Tags,
    string? Tag = null, DateTimeOffset? At = null);

internal sealed record StepWire(string Instruction, string Arguments, string? Layer, long? Bytes);

internal sealed record ReferrerWire(string Digest, string ArtifactType, long Bytes);

internal sealed record MoveWire(
    long Id, string Tag, string? From, string? To, DateTimeOffset At, string? By, string Reason, long? Undoes, bool FromKept, bool ToKept);

internal sealed record UndoWire(string Tag, long? Move, string? Digest);

internal sealed record UndoneWire(string Tag, string? Digest);

internal sealed record FrozenWire(long Id, string Pattern, DateTimeOffset CreatedAt, string? CreatedBy);

internal sealed record NewFrozenWire(string Pattern);

internal sealed record RuleWire(long Id, string? Pattern, int? KeepLast, int? KeepDays, string Sentence);

internal sealed record NewRuleWire(string? Pattern, int? KeepLast, int? KeepDays);

internal sealed record RetentionWire(
    bool DryRun, IReadOnlyList<DecisionWire> Removed, IReadOnlyList<DecisionWire> Kept, IReadOnlyList<string> RemovedImages);

internal sealed record DecisionWire(string Tag, string Digest, DateTimeOffset UpdatedAt, string Why);

internal sealed record AccountWire(
    string Name, string DisplayName, string Email, bool Administrator, bool Blocked, DateTimeOffset CreatedAt,
        DateTimeOffset? LastSignInAt);

internal sealed record AccountChangeWire(string? DisplayName, string? Email, bool? Administrator, bool? Blocked);

internal sealed record NewAccountWire(string Name, string Password, string? DisplayName, string? Email, bool? Administrator);

internal sealed record TokenWire(
    string Name, string Hint, IReadOnlyList<string>? Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt,
        DateTimeOffset? LastUsedAt,
    string? Secret = null);

internal sealed record NewTokenWire(string Name, IReadOnlyList<string>? Scopes, DateTimeOffset? ExpiresAt);

internal sealed record OrganisationWire(
    string Name, string DisplayName, DateTimeOffset CreatedAt, string? Role = null, IReadOnlyList<MemberWire>? Members = null,
    IReadOnlyList<TeamWire>? Teams = null);

internal sealed record NewOrganisationWire(string Name, string? DisplayName);

internal sealed record MemberWire(string Name, string DisplayName, string Role);

internal sealed record RoleWire(string Role);

internal sealed record TeamWire(string Name, string Description, IReadOnlyList<string> Members, IReadOnlyList<RightWire> Rights);

internal sealed record NewTeamWire(string Name, string? Description);

internal sealed record RightWire(string Repository, string Access);

internal sealed record MarkWire(string Mark, string Name);

internal sealed record InvitationWire(string? Note, string? Link);

internal sealed record AuditWire(long Id, DateTimeOffset At, string Actor, string Address, string Action, string Subject, string Details);

internal sealed record CollectionWire(
    long BytesFreed, long BlobsRemoved, long BlobsUnlinked, long UploadsExpired, long UnnamedRemoved, string? SweepRefusal);

internal sealed record FiguresWire(
    long Users, long Organisations, long Repositories, long PrivateRepositories, long Tags, long Manifests, long Blobs, long BlobBytes,
    long WaitingBytes, long Uploads, long UploadBytes);

/// <summary>The answer of <c>/v1/search</c>, as Docker's clients read it.</summary>
internal sealed record DockerSearchWire(int NumResults, string Query, IReadOnlyList<DockerSearchResultWire> Results);

internal sealed record DockerSearchResultWire(string Name, string Description, long StarCount, bool IsOfficial, bool IsAutomated,
    bool IsTrusted);

internal sealed record DockerPingWire(bool Standalone);
#pragma warning restore CS1591

/// <summary>The generated readers and writers. A field that a call does not know is refused: a wish that nobody heard would look
/// fulfilled.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = false, AllowDuplicateProperties = false, MaxDepth = 16)]
[JsonSerializable(typeof(ErrorWire))]
[JsonSerializable(typeof(HubWire))]
[JsonSerializable(typeof(PageWire<RepositoryWire>))]
[JsonSerializable(typeof(RepositoryWire))]
[JsonSerializable(typeof(RepositoryChangeWire))]
[JsonSerializable(typeof(PageWire<TagWire>))]
[JsonSerializable(typeof(TagWire))]
[JsonSerializable(typeof(ImageWire))]
[JsonSerializable(typeof(PageWire<MoveWire>))]
[JsonSerializable(typeof(UndoWire))]
[JsonSerializable(typeof(UndoneWire))]
[JsonSerializable(typeof(PageWire<FrozenWire>))]
[JsonSerializable(typeof(NewFrozenWire))]
[JsonSerializable(typeof(PageWire<RuleWire>))]
[JsonSerializable(typeof(NewRuleWire))]
[JsonSerializable(typeof(RetentionWire))]
[JsonSerializable(typeof(AccountWire))]
[JsonSerializable(typeof(PageWire<AccountWire>))]
[JsonSerializable(typeof(AccountChangeWire))]
[JsonSerializable(typeof(NewAccountWire))]
[JsonSerializable(typeof(PageWire<TokenWire>))]
[JsonSerializable(typeof(TokenWire))]
[JsonSerializable(typeof(NewTokenWire))]
[JsonSerializable(typeof(PageWire<OrganisationWire>))]
[JsonSerializable(typeof(OrganisationWire))]
[JsonSerializable(typeof(NewOrganisationWire))]
[JsonSerializable(typeof(RoleWire))]
[JsonSerializable(typeof(NewTeamWire))]
[JsonSerializable(typeof(RightWire))]
[JsonSerializable(typeof(PageWire<MarkWire>))]
[JsonSerializable(typeof(InvitationWire))]
[JsonSerializable(typeof(PageWire<AuditWire>))]
[JsonSerializable(typeof(CollectionWire))]
[JsonSerializable(typeof(FiguresWire))]
internal sealed partial class ApiJson : JsonSerializerContext;

/// <summary>The names of Docker's old search call.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DockerSearchWire))]
[JsonSerializable(typeof(DockerPingWire))]
internal sealed partial class DockerSearchJson : JsonSerializerContext;
