import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { z } from 'zod'
import { examineFiles } from '../../src/components/files/restore/load.ts'
import { filesDetails } from '../../src/components/files/schema.ts'
import { examineRows } from '../../src/components/postgres/capture/lanes-examine.ts'
import { Failure, toFailure } from '../../src/core/failure.ts'
import type { Context } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { collect } from '../../src/repository/documents/bytes.ts'
import type { ManifestComponent } from '../../src/repository/documents/documents.ts'
import { openIdentity } from '../../src/repository/keys/identity-store.ts'
import { parseIdentityFile } from '../../src/repository/keys/identity-file.ts'
import { noMemory } from '../../src/repository/memory.ts'
import { openRepository } from '../../src/repository/open.ts'
import type { PointReader } from '../../src/repository/repository.ts'
import { newFixture } from '../../src/repository/testing/fixture.ts'
import { memoryStorage } from '../../src/storage/testing/memory.ts'
import type { Storage } from '../../src/storage/storage.ts'

/** Each repository of test/vectors/cases has the outcome that it names; test_cases.py asks recover.py the same. */
const vectors = new URL('../vectors/', import.meta.url)
const POINT = '019aa1656e007d32b6c7d8e9f0011223'
const SPACE = 0x20

const caseShape = z.object({
  name: z.string(),
  expect: z.enum(['ok', 'corrupt', 'unsupported', 'denied', 'notFound']),
  by: z.enum(['identity', 'password']),
  names: z.array(z.string()),
  changes: z.record(z.string(), z.object({ base64: z.base64(), length: z.int() }).nullable()),
  content: z.enum(['ok', 'corrupt']).optional(),
})
type Case = z.infer<typeof caseShape>

const cases = readdirSync(new URL('cases/', vectors)).map((file) =>
  caseShape.parse(JSON.parse(readFileSync(new URL(`cases/${file}`, vectors), 'utf8'))),
)

async function storageOf({ changes }: Case, signal: AbortSignal): Promise<Storage> {
  const storage = memoryStorage()
  const base = new URL('documents/', vectors)
  for (const name of readdirSync(base, { recursive: true, encoding: 'utf8' })) {
    const file = new URL(name, base)
    if (!(name in changes) && statSync(file).isFile()) await storage.put(name, readFileSync(file), signal)
  }
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) continue
    const bytes = Buffer.alloc(change.length, SPACE)
    Buffer.from(change.base64, 'base64').copy(bytes)
    await storage.put(name, bytes, signal)
  }
  return storage
}

const keyFile = (name: string): Secret =>
  new Secret(readFileSync(new URL(`documents-keys/${name}`, vectors), 'utf8').replace(/\n$/, ''))

async function opened(one: Case, context: Context): Promise<{ reader: PointReader; alarms: readonly string[] }> {
  const storage = await storageOf(one, context.signal)
  const file = parseIdentityFile(keyFile('TEST-identity.txt'))
  const unlocked =
    one.by === 'password'
      ? await openIdentity(storage, 'operator', keyFile('TEST-password.txt'), context)
      : { identities: file.identities, signers: file.signers }
  const identities = 'identities' in unlocked ? unlocked.identities : [unlocked]
  const options = { trustedSigners: unlocked.signers, memory: noMemory, software: 'test' }
  const repository = await openRepository(storage, options, context)
  const { alarms } = await repository.catalog(context)
  const reader = await repository.open(POINT, identities, context)
  for (const { number } of reader.manifest.components.flatMap(({ artifacts }) => artifacts)) {
    await reader.checkStored(number, context)
    await collect(reader.read(number, context), 2 ** 26, one.name)
  }
  return { reader, alarms }
}

const lanes = z.object({
  lanes: z.array(
    z.object({
      role: z.string(),
      schema: z.string(),
      table: z.string(),
      columns: z.array(z.string()),
      format: z.enum(['text', 'binary']),
    }),
  ),
})

async function examine(reader: PointReader, component: ManifestComponent, context: Context): Promise<void> {
  const read = (role: string) =>
    reader.read(component.artifacts.find((artifact) => artifact.role === role)?.number ?? -1, context)
  if (component.kind === 'files')
    await examineFiles(filesDetails.parse(component.details), { read, sizeOf: () => 0, roles: [] }, context)
  else for (const lane of lanes.parse(component.details).lanes) await examineRows(lane, read(lane.role))
}

async function outcomeOf(act: () => Promise<void>): Promise<string> {
  try {
    await act()
    return 'ok'
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return toFailure(error).kind
  }
}

test('there are cases of every outcome', () => {
  assert.ok(cases.length > 100, `${cases.length} cases`)
  assert.equal(new Set(cases.map(({ expect }) => expect)).size, 5)
})

for (const one of cases) {
  test(`case ${one.name} is ${one.expect}`, async () => {
    const { context, events } = await newFixture()
    let result: Awaited<ReturnType<typeof opened>> | undefined
    const outcome = await outcomeOf(async () => {
      result = await opened(one, context)
    })
    assert.equal(outcome, one.expect)
    if (result === undefined) return
    const said = [...result.alarms, ...events.map((event) => JSON.stringify(event))].join('\n')
    for (const name of one.names) assert.ok(said.includes(name), `${name} is named in: ${said}`)
    const { reader } = result
    if (one.content === undefined) return
    const content = await outcomeOf(async () => {
      for (const component of reader.manifest.components) await examine(reader, component, context)
    })
    assert.equal(content, one.content)
  })
}
