import type { Step } from './types.ts'

/** Everything that a database checks or derives: keys, indexes, triggers, policies, views. */
export function constraintSteps(): readonly Step[] {
  return [
    { does: 'primary keys', sql: PRIMARY_KEYS },
    { does: 'indexes', sql: INDEXES },
    { does: 'foreign keys', sql: FOREIGN_KEYS },
    { does: 'triggers and policies', sql: BEHAVIOUR },
    { does: 'views', sql: VIEWS },
  ]
}

const PRIMARY_KEYS = `
alter table idp.accounts add primary key (id), add constraint accounts_uid_key unique (uid);
alter table idp.credentials add primary key (id);
alter table idp.group_members add primary key (group_id, account_id);
alter table idp.sessions add primary key (id), add constraint "expires later" check (expires_at > created_at);
alter table "Audit Log"."Sign-in Events" add primary key (number);
alter table "Audit Log".changes add primary key (id, occurred_at);
alter table idp.certificates add primary key (serial);`

const INDEXES = `
create unique index accounts_email_key on idp.accounts (lower(email::text));
create index accounts_locked on idp.accounts (updated_at) where status = 'locked';
create index accounts_attributes on idp.accounts using gin (attributes jsonb_path_ops);
create index accounts_domain on idp.accounts (idp.domain_of(email::text), status) include (display_name);
create index sessions_account on idp.sessions (account_id, expires_at desc) where not revoked;
create index "Sign-in Events by time" on "Audit Log"."Sign-in Events" using brin ("Occurred At");
create index changes_actor on "Audit Log".changes (actor, occurred_at);
create index certificates_valid on idp.certificates using gist (valid);
create statistics idp.sessions_scopes (dependencies) on account_id, revoked from idp.sessions;
alter table idp.sessions alter column user_agent set statistics 300;
comment on index idp.accounts_email_key is 'Addresses differ in more than case';`

const FOREIGN_KEYS = `
alter table idp.credentials add constraint credentials_account foreign key (account_id) references idp.accounts on delete cascade;
alter table idp.groups add constraint groups_parent foreign key (parent_id) references idp.groups deferrable initially deferred;
alter table idp.group_members
  add constraint members_group foreign key (group_id) references idp.groups,
  add constraint members_account foreign key (account_id) references idp.accounts on delete cascade deferrable;
alter table idp.sessions add constraint sessions_account foreign key (account_id) references idp.accounts on delete cascade;
alter table idp.certificates add constraint certificates_account foreign key (account_id) references idp.accounts;
alter table idp.tenant_secrets add constraint secrets_tenant foreign key (tenant_id) references idp.tenants;`

const BEHAVIOUR = `
create trigger touch before update on idp.accounts for each row when (old.attributes is distinct from new.attributes or old.status <> new.status) execute function idp.touch();
alter table idp.tenant_secrets enable row level security;
create policy own_tenant on idp.tenant_secrets for select using (tenant_id = nullif(current_setting('idp.tenant', true), '')::smallint);
comment on policy own_tenant on idp.tenant_secrets is 'Readers see the tenant of their session';`

const VIEWS = `
create view idp.current_sessions with (security_barrier) as
  select s.id, a.email, s.address, s.expires_at from idp.sessions s join idp.accounts a on a.id = s.account_id where not s.revoked;
create function idp.sessions_of(owner_address text) returns setof idp.current_sessions language sql stable begin atomic
  select * from idp.current_sessions c where lower(c.email::text) = lower(owner_address);
end;
create materialized view "Audit Log".changes_by_day as
  select date_trunc('day', occurred_at at time zone 'UTC') as day, action, count(*) as changes from "Audit Log".changes group by 1, 2;
create unique index on "Audit Log".changes_by_day (day, action);`
