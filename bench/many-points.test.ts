import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import type { Context } from '../src/core/ports.ts'
import { createRepository } from '../src/repository/create.ts'
import { generateKeyPair } from '../src/repository/keys/age-keys.ts'
import { generateSigner } from '../src/repository/keys/signer.ts'
import { noMemory } from '../src/repository/memory.ts'
import { openRepository } from '../src/repository/open.ts'
import type { Repository } from '../src/repository/repository.ts'
import { openFilesystem } from '../src/storage/filesystem/open.ts'
import { systemClock } from '../src/system/clock.ts'
import { directEffects } from '../src/system/effects.ts'
import { withTemporaryFolder } from '../src/system/files/temporary-folder.ts'
import { addPoints, requirePoints } from './many-points.ts'

const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => {},
}
const software = 'holdfast bench'
const POINT = '0193a000000070008000000000000001'

test('the points that are added are whole, signed, chained and drilled once a week', async () => {
  await withTemporaryFolder(async (folder) => {
    const repositoryFolder = join(folder, 'repository')
    const signingKeyFile = join(folder, 'signing.key')
    const { signer, file } = generateSigner()
    await writeFile(signingKeyFile, file.reveal(), { mode: 0o600 })
    await mkdir(repositoryFolder)
    const storage = openFilesystem(pathToFileURL(repositoryFolder).href, {})
    await createRepository(storage, { software }, context)
    const repository = await openRepository(
      storage,
      { signer, trustedSigners: [], memory: noMemory, software },
      context,
    )
    await commitOne(repository)
    await addPoints({ repositoryFolder, signingKeyFile }, 20)
    const { points, damaged, alarms } = await repository.catalog(context)
    assert.deepEqual([damaged, alarms], [[], []])
    assert.deepEqual(
      points.map(({ commit }) => commit.sequence),
      Array.from({ length: 21 }, (_, index) => index + 1),
    )
    assert.deepEqual(
      points.slice(1).map(({ commit }) => commit.previous),
      points.slice(0, -1).map(({ commitSha256 }) => commitSha256),
    )
    assert.equal(points.filter(({ proofs }) => proofs.some(({ kind, ok }) => kind === 'drill' && ok)).length, 2)
    assert.ok(points.every(({ commit }) => Date.parse(commit.created) <= Date.now()))
  })
})

async function commitOne(repository: Repository): Promise<void> {
  const { recipient } = await generateKeyPair()
  const writer = await repository.begin({ app: 'bench', point: POINT, recipients: [recipient] }, context)
  await writer.commit({ components: [], missing: [], created: new Date() })
}

test('a listing that misses a point or shows a damaged one is not measured', () => {
  assert.doesNotThrow(() => requirePoints('{"points":[{},{}],"damaged":[]}', 2))
  assert.throws(() => requirePoints('{"points":[{}],"damaged":[]}', 2), /listed 1 points/)
  assert.throws(() => requirePoints('{"points":[{},{}],"damaged":[{}]}', 2), /1 damaged/)
  assert.throws(() => requirePoints('not JSON', 2), SyntaxError)
})
