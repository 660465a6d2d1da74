import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { stringify } from 'yaml'
import { ownerName } from '../../src/system/files/folder-owner.ts'
import { holdfast, type Ran } from './holdfast.ts'

interface Checked {
  readonly ok: boolean
  readonly repositories: readonly { readonly findings: readonly { level: string; message: string }[] }[]
}

/** A repository in a folder, with an app that is a folder too: `check` as a user, without a database. */
async function newRepository(
  t: TestContext,
): Promise<{ readonly repository: string; readonly check: (temporary?: string) => Promise<Ran> }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-check-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const repository = join(folder, 'repository')
  await mkdir(join(folder, 'keys'))
  const config = {
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'signing.key')}`,
    signers: [],
    repositories: { main: { url: `file://${repository}`, recipients: [] } },
    apps: { portal: { repositories: ['main'], components: { keys: { kind: 'files', path: join(folder, 'keys') } } } },
  }
  await writeFile(join(folder, 'holdfast.yaml'), stringify(config), { mode: 0o600 })
  const made = await holdfast(folder, ['init', '--no-password', '--identity-file', 'identity.txt'])
  assert.equal(made.code, 0, made.error)
  return { repository, check: (TMPDIR = tmpdir()) => holdfast(folder, ['check', '--json'], { TMPDIR }) }
}

test('check tries out the storage, and leaves nothing of it', async (t) => {
  const { repository, check } = await newRepository(t)
  const ran = await check()
  assert.equal(ran.code, 0, ran.out + ran.error)
  assert.ok(!(await readdir(repository)).includes('probe'))
})

test('check fails when it cannot try out the storage, and names what is in the way', async (t) => {
  const { repository, check } = await newRepository(t)
  await writeFile(join(repository, 'probe'), 'in the way')
  const ran = await check()
  assert.equal(ran.code, 13, ran.out + ran.error)
  const { ok, repositories } = JSON.parse(ran.out) as Checked
  assert.equal(ok, false)
  const errors = repositories.flatMap(({ findings }) => findings).filter(({ level }) => level === 'error')
  assert.equal(errors.length, 1, ran.out)
  assert.match(errors[0]?.message ?? '', /probe/)
})

test('what a run that was killed left among the temporary folders is removed by the next run', async (t) => {
  const { check } = await newRepository(t)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-check-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  // Of a process that had the id of this one before.
  const [place, id] = (await ownerName()).split('-')
  await mkdir(join(folder, `holdfast-${place}-${id}-1-abcdef`, 'data'), { recursive: true })
  await mkdir(join(folder, 'of-others'))
  await check(folder)
  assert.deepEqual(await readdir(folder), ['of-others'])
})
