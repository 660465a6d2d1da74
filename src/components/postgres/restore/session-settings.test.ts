import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsOf, loadSettings } from './session-settings.ts'

test('all jobs together get no more memory than the server has for all its sessions, and none less than it has anyway', () => {
  const memory = (shared: number, jobs: number): string | undefined =>
    loadSettings({ own: 65_536, shared }, jobs)['maintenance_work_mem']
  assert.equal(memory(262_144, 2), '131072kB')
  assert.equal(memory(131_072, 4), '65536kB')
  assert.equal(memory(64 * 1024 * 1024, 4), '1048576kB')
})

test('a server that gives its sessions more than the limit keeps doing so', () => {
  assert.equal(loadSettings({ own: 2_097_152, shared: 131_072 }, 2)['maintenance_work_mem'], '2097152kB')
})

test('the number of jobs is that of the settings, else 2 to 4', () => {
  assert.equal(jobsOf({ restoreJobs: 1 }), 1)
  assert.equal(jobsOf({ restoreJobs: 16 }), 16)
  const chosen = jobsOf({ restoreJobs: undefined })
  assert.ok(chosen >= 2 && chosen <= 4, String(chosen))
})
