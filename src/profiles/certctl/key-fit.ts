import type { Recipe } from '../profile.ts'

const stretch = (iterations: number) => ({ kind: 'pbkdf2' as const, hash: 'sha256' as const, iterations, length: 32 })
const salted = { kind: 'aes-gcm' as const, saltBytes: 16, nonceBytes: 12 }

/** A version 1 value has no mark and may begin with 02 or 03 by chance, so that each is tried until one opens. */
const layouts = [
  { ...salted, name: 'v3', prefix: { hex: '03' }, derive: stretch(600_000) },
  { ...salted, name: 'v2', prefix: { hex: '02' }, derive: stretch(100_000) },
  {
    kind: 'aes-gcm' as const,
    name: 'v1',
    nonceBytes: 12,
    derive: { ...stretch(100_000), salt: { text: 'certctl-config-encryption-v1' } },
  },
]

const opens = (table: string, column: string, plain: 'json' | 'any') => ({
  kind: 'opens' as const,
  about: `${column} of ${table} opens`,
  rows: { component: '$database', sql: `select ${column} as sealed from ${table} where length(${column}) > 0` },
  value: { column: 'sealed', decode: ['bytea' as const] },
  key: 'configKey',
  layouts,
  plain,
})

const FILES = ['ca_cert_path', 'ca_key_path']

/** After a restore the paths in the database decide where the files are looked for, and not variables of the host. */
const named = (table: string, column: string, members: readonly string[] = []) => ({
  kind: 'files' as const,
  about: `files that ${column} of ${table} names`,
  rows: { component: '$database', sql: `select ${column}::text as named from ${table} where ${column} is not null` },
  value: { column: 'named' },
  members: [...members],
})

/** certctl starts and answers with a wrong key, without the issuers that it could not open; so each value must open. */
export const certctlRecipe: Recipe = {
  keys: {
    configKey: 'CERTCTL_CONFIG_ENCRYPTION_KEY',
    caKey: 'the private key of the local CA',
    caCertificate: 'its certificate',
  },
  optional: ['caKey', 'caCertificate'],
  fit: {
    keys: {
      configKey: { kind: 'secret', component: '$configKey', secret: '$configKey' },
      caKey: { kind: 'secret', component: '$caKey', secret: '$caKey' },
      caCertificate: { kind: 'secret', component: '$caCertificate', secret: '$caCertificate' },
    },
    proofs: [
      {
        kind: 'files',
        about: 'files that encrypted_config of issuers names',
        rows: {
          component: '$database',
          sql: 'select encrypted_config as sealed from issuers where length(encrypted_config) > 0',
        },
        value: { column: 'sealed', decode: ['bytea'] },
        key: 'configKey',
        layouts,
        members: FILES,
      },
      named('issuers', 'config', FILES),
      named('intermediate_cas', 'key_driver_id'),
      named('ocsp_responders', 'key_path'),
      opens('issuers', 'encrypted_config', 'json'),
      opens('deployment_targets', 'encrypted_config', 'json'),
      opens('oidc_providers', 'client_secret_encrypted', 'any'),
      opens('session_signing_keys', 'key_material_encrypted', 'any'),
      {
        kind: 'certificate',
        about: 'the CA key is that of the CA certificate',
        key: 'caKey',
        certificate: 'caCertificate',
        issued: {
          rows: {
            component: '$database',
            sql: 'select pem_chain from certificate_versions order by not_before desc nulls last',
            limit: 1000,
          },
          value: { column: 'pem_chain' },
        },
      },
    ],
  },
}
