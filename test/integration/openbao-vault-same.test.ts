import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runOf } from '../parts/run-tests.ts'
import { findVault } from '../parts/vault.ts'

/** What holds for OpenBao and Vault alike: the same tests, with Vault as the server and as the program of drills. */
const SAME = [
  'capture',
  'cluster',
  'cut-snapshot',
  'failures',
  'middle',
  'numbers',
  'restore',
  'rights',
  'snapshot',
  'tokens',
]

const HOLDFAST_TEST_OPENBAO = await findVault()

for (const name of SAME)
  test(`${name}, with Vault`, { timeout: 900_000 }, async () => {
    const file = join(import.meta.dirname, `openbao-${name}.test.ts`)
    const { passed, failed, text } = await runOf(file, { HOLDFAST_TEST_OPENBAO })
    assert.equal(failed, 0, text)
    assert.ok(passed > 0, text)
  })
