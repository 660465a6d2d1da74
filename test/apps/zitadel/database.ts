import { createCipheriv, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'

/** What ZITADEL keeps, as far as keys and checks read it: a data key under the masterkey, and a web key under that. */
export const MASTERKEY = 'MasterkeyNeedsToHave32Characters'

function sealed(key: Buffer, plain: Buffer): Buffer {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cfb', key, iv)
  return Buffer.concat([iv, cipher.update(plain), cipher.final()])
}

export function zitadelSql(masterkey = MASTERKEY): string {
  const dataKey = randomBytes(32)
  const row = sealed(Buffer.from(masterkey), dataKey).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = (key: KeyObject): string => JSON.stringify({ ...key.export({ format: 'jwk' }), kid: '1', use: 'sig' })
  const crypted = sealed(dataKey, Buffer.from(jwk(privateKey))).toString('base64')
  const payload = {
    privateKey: { CryptoType: 0, Algorithm: 'aes', KeyID: 'oidcKey', Crypted: crypted },
    publicKey: JSON.parse(jwk(publicKey)) as unknown,
  }
  return `create schema system; create schema eventstore; create schema projections;
create table system.encryption_keys (id text primary key, key text not null);
insert into system.encryption_keys values ('oidcKey', '${row}');
create table eventstore.events2 (instance_id text, aggregate_type text, aggregate_id text, event_type text, "sequence" bigint,
  payload jsonb, "position" numeric, in_tx_order int, primary key (instance_id, aggregate_type, aggregate_id, "sequence"));
insert into eventstore.events2 values
  ('', 'system', 'SYSTEM', 'system.migration.started', 1, '{"name": "77"}', 1, 1),
  ('', 'system', 'SYSTEM', 'system.migration.done', 2, '{"name": "77"}', 2, 1),
  ('1', 'web_key', 'k', 'web_key.added', 1, '${JSON.stringify(payload)}', 3, 1);
create table projections.web_keys1 (instance_id text, private_key jsonb, public_key jsonb);`
}
