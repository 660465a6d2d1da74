import { anyPostgres, cacheOnly } from '../clues.ts'
import type { Profile } from '../profile.ts'

/** Any app with one PostgreSQL database, also of Zalando's operator, whose Secrets it knows by their names. */
export const generic: Profile = {
  name: 'generic',
  shape: {
    signs: anyPostgres,
    writers: 'users of the database',
    order: ['*'],
    database: { clues: [anyPostgres], checks: [], disposable: [] },
    secrets: { names: ['*.credentials.postgresql.acid.zalan.do'] },
    keys: {},
    files: [],
    disposable: [
      cacheOnly('a cache; if the app keeps more there, that is lost'),
      // Of Zalando's operator; both log in with its Secrets, and write nothing of their own.
      { clue: { labels: ['application=db-connection-pooler'] }, why: 'the operator makes it anew' },
      { clue: { labels: ['application=spilo-logical-backup'] }, why: 'it reads only' },
    ],
    units: [],
  },
  advice: { afterRestore: [], warnings: [], versions: [] },
}
