namespace Berth.Registry.Audit;

/// <summary>The words for what was done. Filters and notifications rely on them, so they do not change.</summary>
public static class AuditActions
{
#pragma warning disable CS1591 // Each says itself.
    public const string UserCreate = "user.create";
    public const string UserUpdate = "user.update";
    public const string UserRemove = "user.remove";
    public const string UserDisable = "user.disable";
    public const string UserEnable = "user.enable";
    public const string UserPassword = "user.password";
    public const string UserAdministrator = "user.administrator";
    public const string UserSignIn = "user.sign-in";
    public const string UserSignInFailed = "user.sign-in-failed";
    public const string UserSignOut = "user.sign-out";
    public const string UserInvite = "user.invite";
    public const string OrganisationCreate = "organisation.create";
    public const string OrganisationUpdate = "organisation.update";
    public const string OrganisationRemove = "organisation.remove";
    public const string MemberSet = "member.set";
    public const string MemberRemove = "member.remove";
    public const string TeamCreate = "team.create";
    public const string TeamRemove = "team.remove";
    public const string TeamMemberAdd = "team.member-add";
    public const string TeamMemberRemove = "team.member-remove";
    public const string TeamPermission = "team.permission";
    public const string TokenCreate = "token.create";
    public const string TokenRevoke = "token.revoke";
    public const string RepositoryCreate = "repository.create";
    public const string RepositoryUpdate = "repository.update";
    public const string RepositoryRemove = "repository.remove";
    public const string ManifestPush = "manifest.push";
    public const string ManifestDelete = "manifest.delete";
    public const string TagPush = "tag.push";
    public const string TagDelete = "tag.delete";
    public const string TagUndo = "tag.undo";
    public const string WebhookCreate = "webhook.create";
    public const string WebhookRemove = "webhook.remove";
    public const string MarkSet = "mark.set";
    public const string MarkUnset = "mark.unset";
    public const string QuotaSet = "quota.set";
    public const string HubBackup = "hub.backup";
    public const string HubCollect = "hub.collect";
    public const string HubImport = "hub.import";
    public const string SecretsRotate = "secrets.rotate";
    public const string SecretsReset = "secrets.reset";
#pragma warning restore CS1591
}
