import type { RestoreJournal } from '../restore/journal.ts'

/** The journal of a restore of `portal` that has begun and done nothing yet. */
export const plannedJournal: RestoreJournal = {
  format: 1,
  restoreId: 'abcdef01',
  app: 'portal',
  point: '1'.padStart(32, '0'),
  repository: 'repository-0',
  mode: 'swap',
  components: ['database'],
  stage: 'planned',
  safetyPoint: null,
  started: '2026-01-01T00:00:00.000Z',
  updated: '2026-01-01T00:00:00.000Z',
}
