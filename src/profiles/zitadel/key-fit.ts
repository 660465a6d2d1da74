import type { Recipe } from '../profile.ts'

/** `{"KeyID": …, "Crypted": base64 of IV and AES-CFB}`; newer releases put a JWE into `Crypted`. */
const cryptoValue = (column: string, path: readonly string[] = []) => ({
  value: { column, path: [...path, 'Crypted'], decode: ['base64' as const] },
  keyId: { column, path: [...path, 'KeyID'] },
  key: 'dataKeys',
  layouts: [{ kind: 'aes-cfb' as const }, { kind: 'jwe' as const }],
})

const webKeys = (about: string, sql: string) => ({
  kind: 'pair' as const,
  about,
  rows: { component: '$database', sql },
  private: cryptoValue('private_key'),
  public: { value: { column: 'public_key' } },
})

/**
 * Secrets that users and administrators gave: text under the right key, which ZITADEL demands as well, and bytes that are
 * no text under another. Text proves nothing, as short values may become it by chance; it says what there is. Events differ
 * by release and by provider, so that each value of the form is taken, wherever in its event it is.
 */
const text = (what: string, ...events: readonly string[]) => ({
  kind: 'opens' as const,
  about: `${what} are text`,
  rows: {
    component: '$database',
    limit: 1000,
    sql: `select found.value as sealed
            from eventstore.events2, jsonb_path_query(payload, 'strict $.** ? (@.CryptoType == 0 && @.Crypted.type() == "string")') as found(value)
           where ${events.map((event) => `event_type like '${event}'`).join(' or ')}`,
  },
  ...cryptoValue('sealed'),
  plain: 'utf8' as const,
})

/**
 * ZITADEL's masterkey unwraps data keys without authentication: a wrong one of 32 bytes "opens" everything, to garbage.
 * Only a private key that has the public half beside it proves anything, and only for the data key that it is under.
 */
export const zitadelRecipe: Recipe = {
  keys: { masterkey: 'the masterkey, 32 bytes' },
  optional: [],
  fit: {
    keys: {
      masterkey: {
        kind: 'secret',
        component: '$masterkey',
        secret: '$masterkey',
        steps: [{ kind: 'length', bytes: 32 }],
      },
      dataKeys: {
        kind: 'ring',
        key: 'masterkey',
        rows: { component: '$database', sql: 'select id, key from system.encryption_keys order by id' },
        id: 'id',
        value: { column: 'key', decode: ['base64url'] },
        layout: { kind: 'aes-cfb' },
      },
    },
    proofs: [
      webKeys(
        'web keys of events match their public halves',
        `select payload->'privateKey' as private_key, payload->'publicKey' as public_key
           from eventstore.events2 where event_type = 'web_key.added'`,
      ),
      webKeys('web keys match their public halves', 'select private_key, public_key from projections.web_keys1'),
      {
        kind: 'pair',
        about: 'key pairs of events match',
        rows: {
          component: '$database',
          sql: `select payload->'privateKey' as private_key, payload->'publicKey' as public_key
                  from eventstore.events2 where event_type = 'key_pair.added'`,
        },
        private: cryptoValue('private_key', ['key']),
        public: cryptoValue('public_key', ['key']),
      },
      text('client secrets of identity providers', '%.idp.%'),
      text('passwords of mail and text message servers', '%.smtp.%', '%.sms.%'),
      text('secrets of one-time passwords', '%.otp.added'),
    ],
  },
}
