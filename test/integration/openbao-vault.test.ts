import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runOf } from '../parts/run-tests.ts'
import { findVault } from '../parts/vault.ts'

/** To build Vault takes 8 minutes of processor time and 4 GB for Go's caches: `npm run soak` does. Else `openbao-dialect` puts in its answers. */
const skip =
  process.env['HOLDFAST_SOAK'] === '1' ? false : 'Vault is built from source by npm run soak -- openbao-vault'

/** What holds for OpenBao and Vault alike: the same tests, with Vault as the server and as the program of drills. */
const SAME = [
  'capture',
  'cli',
  'cluster',
  'cut-snapshot',
  'failures',
  'kubernetes-login',
  'middle',
  'numbers',
  'restore',
  'rights',
  'snapshot',
  'tokens',
]

for (const name of SAME)
  test(`${name}, with Vault`, { skip, timeout: 3_600_000 }, async () => {
    await passes(`openbao-${name}.test.ts`, { HOLDFAST_TEST_OPENBAO: await findVault() })
  })

test('what Vault does otherwise', { skip, timeout: 3_600_000 }, async () => {
  await findVault()
  await passes('openbao-vault-differs.ts', {})
})

async function passes(file: string, variables: Readonly<Record<string, string>>): Promise<void> {
  const { passed, failed, text } = await runOf(join(import.meta.dirname, file), variables)
  assert.equal(failed, 0, text)
  assert.ok(passed > 0, text)
}
