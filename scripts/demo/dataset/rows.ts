import type { DatasetPlan, Step } from './types.ts'

/**
 * The rows, made by the server. Every value comes from a hash of the seed and the row's number, so that there is no
 * clock and no random() in them and a value does not depend on the order in which rows are made.
 */
export function rowSteps(plan: DatasetPlan): readonly Step[] {
  return [
    { does: `${plan.rows.accounts} accounts`, sql: accounts(plan) },
    { does: 'groups', sql: groups(plan) },
    { does: `${plan.rows.sessions} sessions`, sql: sessions(plan) },
    { does: `${plan.rows.signIns} sign-in events`, sql: signIns(plan) },
    { does: `${plan.rows.auditEvents} audit events`, sql: auditEvents(plan) },
    { does: `${plan.rows.certificates} certificates`, sql: certificates(plan) },
    { does: 'keys and tenants', sql: keys(plan) },
    { does: `${plan.rows.largeObjects} large objects`, sql: largeObjects(plan) },
  ]
}

/**
 * A table of `count` rows with `i` (from 1) and `r`, 64 bits that depend on seed, purpose and i.
 * OFFSET 0 keeps the planner from computing `r` again for each use.
 */
function numbered(plan: DatasetPlan, purpose: number, count: number): string {
  return `(select i, hashint8extended(i, ${plan.seed * 100 + purpose}) as r from generate_series(1::bigint, ${count}) i offset 0) g`
}

/** One of these words, chosen by the bits of the expression; the number of words is a power of two. */
function oneOf(bits: string, words: readonly string[]): string {
  return `(array[${words.map((word) => `'${word}'`).join(',')}])[1 + (${bits} & ${words.length - 1})::int]`
}

/** An address in 2001:db8::/32 or 10.0.0.0/8. */
const ADDRESS = `case when r & 3 = 0 then ('2001:db8:' || to_hex((r >> 8) & 65535) || '::' || to_hex((r >> 24) & 65535))::inet
  else '10.0.0.0'::inet + ((r >> 8) & 16777215) end`

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
] as const

/** The id of some account. The mask drops the sign. */
function someAccount(plan: DatasetPlan): string {
  return `1 + ((r >> 8) & 1099511627775) % ${plan.rows.accounts}`
}

const moment = (bits: string): string => `timestamptz '2026-01-01 00:00+00' + (${bits}) * interval '1 millisecond'`
const NINE_MONTHS_MS = '23587200000'

function accounts(plan: DatasetPlan): string {
  const first = oneOf('r', ['Amélie', 'Bao', 'Chidi', 'Dorota', 'Eirik', 'Farah', 'Goran', 'Hana'])
  const last = oneOf('(r >> 3)', ['Okafor', 'Nguyễn', 'Łukasik', 'O’Brien', 'García', 'Şahin', 'Møller', 'Tanaka'])
  return `
insert into idp.accounts (uid, email, display_name, status, password_hash, recovery_hashes, address, attributes, created_at, updated_at)
select md5('account' || r)::uuid, 'user' || i || '@' || ${oneOf('(r >> 6)', ['example.com', 'example.org', 'corp.example.net', 'Mail.Example.com'])},
  ${first} || ' ' || ${last},
  ${oneOf('(r >> 9)', ['active', 'active', 'active', 'active', 'invited', 'locked', 'suspended', 'deleted'])}::idp.account_status,
  case when r & 15 > 0 then '$argon2id$v=19$m=65536,t=3,p=4$' || encode(sha256(int8send(r)), 'base64') end,
  case when r & 7 = 0 then array[md5('r1' || r), md5('r2' || r), null, 'quote " comma , brace }'] else '{}' end,
  case when r & 3 = 0 then row((r >> 12) & 255 || ' Main Street', ${oneOf('(r >> 20)', ['Lyon', 'Kraków', 'Lagos', 'Hà Nội'])}, 'FR')::idp.postal_address end,
  jsonb_build_object('locale', ${oneOf('(r >> 22)', ['en', 'fr', 'pl', 'vi'])}, 'mfa', r & 1 = 0, 'quota', (r >> 30) & 4095),
  at, at + interval '1 day'
from (select *, ${moment(`r & 8589934591`)} as at from ${numbered(plan, 1, plan.rows.accounts)} offset 0) a order by i;
insert into idp.credentials (account_id, factor, credential_id, public_key, sign_count)
select i, ${oneOf('r', ['webauthn', 'totp', 'webauthn', 'password'])}::idp.factor, sha256(int8send(r)), '\\x30'::bytea || sha512(int8send(r)) || '\\x00ff'::bytea, (r >> 40) & 1023
from ${numbered(plan, 2, Math.ceil(plan.rows.accounts / 2))};`
}

function groups(plan: DatasetPlan): string {
  return `
insert into idp.groups select i, 'group ' || i, nullif(i / 4, 0) from generate_series(1, 64) i;
insert into idp.group_members
select distinct on (1, 2) 1 + (r & 63), ${someAccount(plan)}, date '2026-01-01' + ((r >> 40) & 255)::int
from ${numbered(plan, 3, plan.rows.accounts)} order by 1, 2, 3;
insert into idp.request_ledger select md5('ledger' || r)::uuid, 'fill', ${moment('i * 1000')} from ${numbered(plan, 4, 100)};`
}

function sessions(plan: DatasetPlan): string {
  return `
insert into idp.sessions
select md5('session' || r)::uuid, ${someAccount(plan)}, sha256(int8send(r)), ${ADDRESS},
  ${oneOf('(r >> 5)', AGENTS)}, case when r & 1 = 0 then array['openid', 'profile', 'email'] else array['openid', 'offline_access'] end,
  ${moment(`i * (${NINE_MONTHS_MS} / ${plan.rows.sessions})`)}, ${moment(`i * (${NINE_MONTHS_MS} / ${plan.rows.sessions})`)} + interval '14 days', r & 31 = 0
from ${numbered(plan, 5, plan.rows.sessions)};`
}

function signIns(plan: DatasetPlan): string {
  return `
insert into "Audit Log"."Sign-in Events" ("Occurred At", uid, outcome, "from", payload)
select ${moment(`i * (${NINE_MONTHS_MS} / ${plan.rows.signIns})`)}, md5('subject' || (r & 65535))::uuid, (r >> 16) & 7, ${ADDRESS},
  jsonb_build_object('flow', ${oneOf('(r >> 19)', ['authorization_code', 'device_code', 'refresh_token', 'saml'])}, 'client_id', 'app-' || ((r >> 21) & 127),
    'request_id', md5('request' || r), 'user_agent', ${oneOf('(r >> 5)', AGENTS)}, 'risk', ((r >> 30) & 1023) / 1024.0, 'geo',
    jsonb_build_object('country', ${oneOf('(r >> 40)', ['FR', 'PL', 'NG', 'VN'])}, 'asn', 64512 + ((r >> 42) & 511)))
from ${numbered(plan, 6, plan.rows.signIns)};`
}

function auditEvents(plan: DatasetPlan): string {
  return `
insert into "Audit Log".changes
select md5('change' || r)::uuid, ${moment(`i * (${NINE_MONTHS_MS} / ${plan.rows.auditEvents})`)}, nullif((r >> 8) & 4095, 0),
  ${oneOf('(r >> 20)', ['account.update', 'group.member.add', 'client.secret.rotate', 'policy.update'])},
  jsonb_build_object('path', '/api/v3/' || ${oneOf('(r >> 20)', ['accounts', 'groups', 'clients', 'policies'])} || '/' || ((r >> 22) & 65535), 'status', 200 + ((r >> 3) & 3),
    'trace', md5('trace' || r), 'before', jsonb_build_object('etag', md5('b' || r), 'version', (r >> 30) & 63),
    'after', jsonb_build_object('etag', md5('a' || r), 'version', 1 + ((r >> 30) & 63)), 'note', case when r & 7 = 0 then E'line one\\nline "two"\\t\\\\ é 🔑' end)
from ${numbered(plan, 7, plan.rows.auditEvents)};`
}

function certificates(plan: DatasetPlan): string {
  const body = Array.from({ length: 16 }, (_, part) => `sha512(int8send(r + ${part}))`).join(' || ')
  return `
insert into idp.certificates
select 170141183460469231731687303715884105728 + abs(r)::numeric * 1000003 + i, ${someAccount(plan)},
  'CN=device-' || i || ',OU=Workstations,O=Example Corporation,C=FR', sha256(int8send(r)), tstzrange(${moment('i * 1000')}, ${moment('i * 1000')} + interval '397 days'),
  E'-----BEGIN CERTIFICATE-----\\n' || encode(${body}, 'base64') || E'\\n-----END CERTIFICATE-----\\n'
from ${numbered(plan, 8, plan.rows.certificates)};`
}

function keys(plan: DatasetPlan): string {
  return `
insert into idp.signing_keys
select slot, tstzrange(at, at + interval '90 days'), E'-----BEGIN PUBLIC KEY-----\\n' || encode(sha512(int8send(r)), 'base64') || E'\\n-----END PUBLIC KEY-----', sha512(int8send(r + 1))
from (select r, (i & 3)::int as slot, ${moment('0')} + (i / 4) * interval '90 days' as at from ${numbered(plan, 9, 32)}) k;
insert into idp.tenants (id, name) select i, 'Tenant ' || i || case when i = 3 then ' “Østfold”' else '' end from generate_series(1, 12) i;
insert into idp.tenant_secrets select 1 + i % 12, 'secret ' || i, sha512(int8send(r)) from ${numbered(plan, 10, 240)};
insert into idp.rate_limits select 'client ' || i, ((r & 1023) / 8.0)::real from ${numbered(plan, 11, 50)};`
}

function largeObjects(plan: DatasetPlan): string {
  return `
do $$
declare
  number bigint;
  content bytea;
begin
  for number in 0..${plan.rows.largeObjects - 1} loop
    select string_agg(sha512(int8send(hashint8extended(number * 1000003 + block, ${plan.seed}))), ''::bytea order by block)
      into content from generate_series(1, ${plan.rows.largeObjectBlocks}) block;
    perform lo_from_bytea((${plan.firstLargeObject} + number)::oid, content);
    update idp.tenants set photo = (${plan.firstLargeObject} + number)::oid where id = number + 1;
  end loop;
end $$;
comment on large object ${plan.firstLargeObject} is 'A photo';`
}
