import { anyPostgres } from '../clues.ts'
import type { Profile } from '../profile.ts'

/** Names: those of Kleidia's charts, which are not all those of its pages. */
export const kleidia: Profile = {
  name: 'kleidia',
  shape: {
    signs: { names: ['kleidia-platform-openbao', 'license-service'], variables: ['VAULT_KV_MOUNT'] },
    writers: { names: ['backend', 'license-service', 'frontend'], variables: ['VAULT_KV_MOUNT'] },
    order: ['frontend', 'backend', '*'],
    database: {
      clues: [{ names: ['postgres'], labels: ['app=postgres'] }, anyPostgres],
      name: 'kleidia',
      checks: [{ name: 'there are users', sql: 'select count(*) > 0 from public.users' }],
      disposable: [],
    },
    secrets: {
      names: [
        'openbao-unseal-key',
        'openbao-backend-approle',
        'openbao-license-approle',
        'openbao-helm-approle',
        'openbao-init-keys',
        'openbao-token',
        'vault-backup-token',
        'backup-runner-token',
        'postgres-secret',
      ],
    },
    keys: {},
    files: [],
    disposable: [],
    openbao: { names: ['kleidia-platform-openbao', '*-openbao'], images: ['openbao', 'openbao/openbao'] },
    units: [],
  },
  advice: {
    afterRestore: [
      'Restart backend, then license-service: they hold logins of OpenBao and the key that signs sessions',
      'Compare the paths in yubikey_secrets with the secrets of OpenBao, and log in',
    ],
    warnings: [
      'The charts run OpenBao on storage "file": raft snapshots, which the pages name, do not exist there',
      'A new OpenBao has other AppRole ids and another PKI root: issued PIV certificates no longer match',
      'The unseal key lies in the Secret openbao-unseal-key: keep a copy outside the cluster',
    ],
    versions: ['The schema is made by a job of the chart: install the chart version that made the data'],
  },
}
