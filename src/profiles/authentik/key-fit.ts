import type { Recipe } from '../profile.ts'

/** Links to files, which the cache keeps for a while, are signed with hex(SHA-256("key:usage")). */
const links = (usage: 'media' | 'reports') => ({
  kind: 'jwt' as const,
  about: `cached links to ${usage} are signed with the key`,
  rows: {
    component: '$database',
    sql: `select value from public.django_postgres_cache_cacheentry where cache_key like '%goauthentik.io/admin/files/file/${usage}/%'`,
  },
  // The value is a pickle, which is searched and never unpickled.
  value: { column: 'value', decode: ['base64' as const] },
  key: `${usage}Key`,
  extract: '[?&]token=([A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+)',
})

const linkKey = (usage: string) => ({
  kind: 'derived' as const,
  key: 'secretKey',
  steps: [
    { kind: 'hash' as const, hash: 'sha256' as const, after: `:${usage}` },
    { kind: 'encode' as const, to: 'hex' as const },
  ],
})

/** Nothing in Authentik's database is encrypted with its secret key, and most installations hold nothing that proves it. */
export const authentikRecipe: Recipe = {
  keys: { secretKey: 'AUTHENTIK_SECRET_KEY' },
  optional: [],
  fit: {
    keys: {
      secretKey: { kind: 'secret', component: '$secretKey', secret: '$secretKey' },
      mediaKey: linkKey('media'),
      reportsKey: linkKey('reports'),
      sessionKey: {
        kind: 'derived',
        key: 'secretKey',
        steps: [
          { kind: 'hash', hash: 'sha512' },
          { kind: 'encode', to: 'hex' },
        ],
      },
    },
    proofs: [
      {
        // Installations from before 2023.6 took over the key of that time as their id; it may have been changed since.
        kind: 'equal',
        about: 'the installation id is the key',
        rows: { component: '$database', sql: 'select id from public.authentik_install_id' },
        value: { column: 'id' },
        key: 'secretKey',
        except: '^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$',
        otherwise: 'not-provable',
      },
      links('media'),
      links('reports'),
      {
        // The installation id goes in, which for installations from before 2023.6 is a key: hashed here and not by the server.
        kind: 'stable',
        about: 'the subjects that other apps know users by',
        rows: {
          component: '$database',
          sql: 'select u.id, i.id as installation from public.authentik_core_user u cross join public.authentik_install_id i order by u.id',
          limit: 1000,
        },
        hash: 'sha256',
        template: '{id}-{installation}',
      },
      {
        kind: 'cookie',
        about: 'the running app signs its cookie with the key',
        key: 'sessionKey',
        page: 'https://authentik.invalid/if/flow/default-authentication-flow/',
        cookie: 'authentik_session',
      },
      { kind: 'live', about: 'the key is the one that the app has now', key: 'secretKey' },
    ],
  },
}
