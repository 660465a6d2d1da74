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

test('OpenBao and Vault do alike, but for what is known', { skip, timeout: 7_200_000 }, async (t) => {
  const program = await findVault()
  for (const name of SAME)
    await t.test(name, () => passes(`openbao-${name}.test.ts`, { HOLDFAST_TEST_OPENBAO: program }))
  await t.test('what Vault does otherwise', () => passes('openbao-vault-differs.ts', {}))
})

async function passes(file: string, variables: Readonly<Record<string, string>>): Promise<void> {
  const { passed, failed, text } = await runOf(join(import.meta.dirname, file), variables)
  assert.equal(failed, 0, text)
  assert.ok(passed > 0, text)
}
