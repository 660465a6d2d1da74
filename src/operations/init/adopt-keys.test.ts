import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseConfig, type Config } from '../../config/load-config.ts'
import type { Context } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import { generateKeyPair, type KeyPair } from '../../repository/keys/age-keys.ts'
import { formatIdentityFile } from '../../repository/keys/identity-file.ts'
import { addIdentity, listIdentities, openIdentity } from '../../repository/keys/identity-store.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import type { Storage } from '../../storage/storage.ts'
import { systemClock } from '../../system/clock.ts'
import { directEffects } from '../../system/effects.ts'
import { adoptKeys, NOTHING_PROVEN, toProve } from './adopt-keys.ts'
import { lockedEverywhere, planAdoptions } from './adoption.ts'
import { componentSchemas } from '../component-schemas.ts'
import { knownRecipients } from '../keys/known-recipients.ts'
import { openLockedKeys } from '../keys/locked-keys.ts'

const password = new Secret('correct horse battery staple')
const work = { t: 1, memoryKiB: 65_536, p: 1 }
const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => {},
}
const [ours, another, offline] = [await generateKeyPair(), await generateKeyPair(), await generateKeyPair()]
const typed = (text: string) => ({ ask: () => Promise.resolve(text), tries: 1 })

interface Named {
  readonly recipients: readonly string[]
  readonly keys?: Readonly<Record<string, KeyPair>>
  readonly apps?: readonly string[]
}

/** Repositories in memory with these locked keys, and the configuration that names them. */
async function world(
  repositories: Readonly<Record<string, Named>>,
  offlineRecipients: readonly string[] = [],
  identity?: string,
): Promise<{ readonly config: Config; readonly storage: (name: string) => Promise<Storage> }> {
  const storages = new Map<string, Storage>()
  const apps: Record<string, { repositories: string[]; components: object }> = {}
  for (const [name, { keys = {}, apps: of = ['portal'] }] of Object.entries(repositories)) {
    const storage = memoryStorage()
    for (const [key, pair] of Object.entries(keys))
      await addIdentity(storage, { name: key, password, signers: [], key: pair.key, work }, context)
    storages.set(name, storage)
    for (const app of of)
      (apps[app] ??= { repositories: [], components: { data: { kind: 'files', path: '/srv' } } }).repositories.push(
        name,
      )
  }
  const named = Object.entries(repositories).map(([name, { recipients }]) => [
    name,
    { url: `file:///srv/${name}`, recipients },
  ])
  const text = JSON.stringify({
    version: 1,
    identity,
    offlineRecipients,
    repositories: Object.fromEntries(named),
    apps,
  })
  const environment = { variables: {}, userId: 0 }
  const config = parseConfig(text, { path: 'holdfast.yaml', isPrivate: true, componentSchemas, environment })
  const storage = (name: string): Promise<Storage> => Promise.resolve(storages.get(name) ?? memoryStorage())
  return { config, storage }
}

async function adoptInto(name: string, { config, storage }: Awaited<ReturnType<typeof world>>, given: string) {
  const adoptions = planAdoptions(config, await lockedEverywhere(config, storage, context))
  const places = toProve(adoptions)
  const proven = places.length === 0 ? NOTHING_PROVEN : await openLockedKeys(places, typed(given), context)
  const adoption = adoptions.find(({ repository }) => repository === name)
  assert.ok(adoption)
  return await adoptKeys(adoption, await storage(name), proven, context)
}

test('a key whose name another key has here gets another name, and the same password opens it', async () => {
  const made = await world({
    main: { recipients: [ours.recipient], keys: { recovery: ours } },
    offsite: { recipients: [ours.recipient], keys: { recovery: another } },
  })
  const copied = await adoptInto('offsite', made, password.reveal())
  assert.deepEqual(copied, [{ repository: 'offsite', name: 'recovery-2', recipient: ours.recipient }])
  const opened = await openIdentity(await made.storage('offsite'), 'recovery-2', password, context)
  assert.equal(opened.recipient, ours.recipient)
  assert.deepEqual(await adoptInto('offsite', made, 'not asked for'), [], 'a second run has nothing to do')
})

test('nothing is copied for a password that opens nothing', async () => {
  const made = await world({
    main: { recipients: [ours.recipient], keys: { recovery: ours } },
    offsite: { recipients: [] },
  })
  await assert.rejects(adoptInto('offsite', made, 'not the password'), { kind: 'denied' })
  assert.deepEqual(await listIdentities(await made.storage('offsite'), context), [])
})

test('a repository gets the keys of its own apps, not those of other apps', async () => {
  const made = await world({
    other: { recipients: [another.recipient], keys: { recovery: another }, apps: ['billing'] },
    main: { recipients: [ours.recipient], keys: { recovery: ours } },
    offsite: { recipients: [] },
  })
  const copied = await adoptInto('offsite', made, password.reveal())
  assert.deepEqual(copied, [{ repository: 'offsite', name: 'recovery', recipient: ours.recipient }])
})

test('a key that is named as kept elsewhere is known; one that nobody names is not', async () => {
  const both = {
    main: { recipients: [ours.recipient], keys: { recovery: ours } },
    safe: { recipients: [offline.recipient] },
  }
  const silent = await world(both)
  assert.ok(!(await knownRecipients('safe', silent, context)).includes(offline.recipient))
  const named = await world(both, [offline.recipient])
  assert.ok((await knownRecipients('safe', named, context)).includes(offline.recipient))
  assert.ok((await knownRecipients('main', named, context)).includes(ours.recipient))
})

test('the identity file of this host is known only while its key is locked nowhere', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-known-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'identity.txt')
  const text = formatIdentityFile({ ...ours, created: '2026-11-30T00:00:00Z', signers: [] })
  await writeFile(file, text.reveal(), { mode: 0o600 })
  const knownIn = async (main: Named): Promise<readonly string[]> => {
    const both = { main, offsite: { recipients: [ours.recipient] } }
    return await knownRecipients('offsite', await world(both, [], `file:${file}`), context)
  }
  assert.deepEqual(await knownIn({ recipients: [ours.recipient] }), [ours.recipient])
  const locked = await knownIn({ recipients: [ours.recipient], keys: { recovery: ours } })
  assert.deepEqual(locked, [], 'the password of the app does not open this repository')
})
