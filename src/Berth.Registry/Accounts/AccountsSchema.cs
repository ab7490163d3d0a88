using Berth.Registry.Database;

namespace Berth.Registry.Accounts;

/// <summary>The tables of users, organisations, teams, secrets, keys and the audit log. The table <c>accounts</c> is the
/// registry's.</summary>
internal static class AccountsSchema
{
    public static IReadOnlyList<Migration> Steps { get; } =
    [
        new("accounts", 1, """
            create table users(
                account_id bigint primary key references accounts(id) on delete cascade, password text, email text not null default '',
                is_administrator bigint not null default 0, disabled_at bigint, last_login_at bigint);
            create table memberships(
                organisation_id bigint not null references accounts(id) on delete cascade,
                account_id bigint not null references accounts(id) on delete cascade,
                role text not null, created_at bigint not null, primary key(organisation_id, account_id));
            create index memberships_account on memberships(account_id);
            create table teams(
                id {identity}, organisation_id bigint not null references accounts(id) on delete cascade, name text not null,
                description text not null default '', created_at bigint not null, unique(organisation_id, name));
            create table team_members(
                team_id bigint not null references teams(id) on delete cascade,
                account_id bigint not null references accounts(id) on delete cascade, primary key(team_id, account_id));
            create index team_members_account on team_members(account_id);
            create table team_permissions(
                team_id bigint not null references teams(id) on delete cascade, repository text not null, access bigint not null,
                primary key(team_id, repository));
            create table identities(
                issuer text not null, subject text not null, account_id bigint not null references accounts(id) on delete cascade,
                created_at bigint not null, primary key(issuer, subject));
            create index identities_account on identities(account_id);
            create table secrets(
                id {identity}, kind text not null, account_id bigint references accounts(id) on delete cascade, name text not null
                default '',
                hint text not null, hash text not null unique, scopes text, parent_id bigint references secrets(id) on delete cascade,
                created_by bigint, created_at bigint not null, expires_at bigint, last_used_at bigint);
            create index secrets_account on secrets(account_id, kind);
            create index secrets_parent on secrets(parent_id);
            create index secrets_expiry on secrets(expires_at);
            create table sign_ins(
                state text primary key, verifier text not null, nonce text not null, return_to text not null, expires_at bigint not null);
            create table signing_keys(id text primary key, private_key {bytes} not null, created_at bigint not null);
            create table audit(
                id {identity}, at bigint not null, actor_id bigint, actor text not null, address text not null, action text not null,
                subject text not null, details text not null);
            create index audit_subject on audit(subject, id);
            create index audit_actor on audit(actor_id, id);
            """),
        // What an entry of it counts, LoginThrottle says.
        new("accounts", 2, """
            create table login_failures(key text primary key, failures bigint not null, last_at bigint not null);
            create index login_failures_last on login_failures(last_at);
            """),
        // Passwords that came with an htpasswd file, by their cost: each wrong password takes the time of the costliest.
        new("accounts", 3, """
            create index users_bcrypt on users(substr(password, 5, 2)) where substr(password, 1, 2) = '$2';
            """),
    ];
}
