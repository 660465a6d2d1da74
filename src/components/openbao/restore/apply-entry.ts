import { isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { retry } from '../../../system/retry.ts'
import type { Call, Client } from '../client/client.ts'
import { nameOf } from '../kv/entry.ts'
import type { Entry, Entry1, Entry2, SecretMetadata, Value, Version } from '../kv/entry.ts'
import { canonical } from '../client/json.ts'
import { encodePath } from '../kv/kv-paths.ts'
import type { KvMount } from '../kv/mounts.ts'
import { readInfo, readPlain, readStable, readVersions } from '../kv/read-entry.ts'
import type { SecretInfo } from '../kv/read-entry.ts'
import { isGone, isSameMetadata, isSameValue } from './same.ts'

export interface ApplyTarget {
  readonly client: Client
  readonly context: Context
  readonly mounts: ReadonlyMap<string, KvMount>
  /** Mounts that were empty when this began: nothing needs to be looked at before a first version is written. */
  readonly empty: ReadonlySet<string>
}

/**
 * What was brought back: `whole` is every version under its number; `current` is the newest value on top of another
 * history, which stays, or versions that were numbered anew.
 */
export type Applied = 'whole' | 'current'

const ATTEMPTS = 5
/** What a version 2 mount keeps when neither it nor the secret says. */
const DEFAULT_VERSIONS = 10
/** More lost versions than this are not written as placeholders, so the numbers of such a secret are not kept. */
export const MOST_PLACEHOLDERS = 1000

/**
 * Brings one secret to what was captured. What is already so is left alone, so that it can be repeated, and goes on where
 * it stopped. Every write names the version that it follows: one that somebody else made meanwhile is never overwritten blindly.
 */
export function applyEntry(entry: Entry, place: ApplyTarget, info?: SecretInfo): Promise<Applied> {
  const once = (attempt: number): Promise<Applied> =>
    attempt === 1
      ? applyOnce(entry, place, place.empty.has(entry.mount), info)
      : applyOnce(entry, place, false, undefined)
  return retry(once, {
    ...place.context,
    attempts: ATTEMPTS,
    // Another writer came between, or the answer to our own write was lost: look again.
    mayRetry: (error) => isFailure(error, 'refused') && error.message.includes('check-and-set'),
  })
}

async function applyOnce(
  entry: Entry,
  place: ApplyTarget,
  isNew: boolean,
  info: SecretInfo | undefined,
): Promise<Applied> {
  if (entry.kv === 1) return await applyPlain(entry, place)
  if (entry.kv === 'absent') return await applyAbsent(entry, place)
  const live = isNew ? undefined : await readLive(entry, info, place)
  if (entry.valueOnly === true || !isContinuation(live, entry)) return await applyCurrent(entry, live, place)
  if (tooManyLost(entry)) return await applyRenumbered(entry, place)
  return await replay(entry, live, place)
}

/** With the metadata of a list, if it still holds: a write that follows another version than it says is refused. */
async function readLive(
  { mount, path }: Entry2,
  info: SecretInfo | undefined,
  { client }: ApplyTarget,
): Promise<Entry2 | undefined> {
  const read = info === undefined ? undefined : await readVersions(mount, path, info, client)
  return read ?? (await readStable(mount, path, client))
}

export function tooManyLost({ current, versions }: Entry2): boolean {
  return current - versions.filter(({ state }) => state === 'live').length > MOST_PLACEHOLDERS
}

async function applyPlain(entry: Entry1, place: ApplyTarget): Promise<Applied> {
  const live = await readPlain(entry.mount, entry.path, place.client)
  if (live !== undefined && canonical(live.data) === canonical(entry.data)) return 'whole'
  await write(place, nameOf(entry), { method: 'POST', path: urlOf(entry, undefined), body: entry.data })
  return 'whole'
}

/** Nothing was here. Version 2 keeps what is deleted, to be undeleted by hand; version 1 has only one way to delete. */
async function applyAbsent(entry: Extract<Entry, { kv: 'absent' }>, place: ApplyTarget): Promise<Applied> {
  if (place.mounts.get(entry.mount)?.version === 1) {
    const live = await readPlain(entry.mount, entry.path, place.client)
    if (live !== undefined) await write(place, nameOf(entry), { method: 'DELETE', path: urlOf(entry, undefined) })
    return 'whole'
  }
  const live = await readStable(entry.mount, entry.path, place.client)
  if (live !== undefined && !isGone(live)) await changeVersions(entry, 'delete', [live.current], place)
  return 'whole'
}

/**
 * Whether `live` is nothing, or a beginning of what was captured: each of its versions is the captured one, or stands in
 * for one whose contents are lost. Then the missing versions can be added.
 */
function isContinuation(live: Entry2 | undefined, wanted: Entry2): boolean {
  if (live === undefined || live.current === 0) return true
  if (live.current > wanted.current) return false
  const byNumber = new Map(live.versions.map((version) => [version.version, version]))
  for (let number = 1; number <= live.current; number += 1) {
    if (!isStandIn(byNumber.get(number), versionOf(wanted, number))) return false
  }
  return true
}

function isStandIn(there: Version | undefined, wanted: Version | undefined): boolean {
  if (wanted?.state === 'live') return there?.state === 'live' && isSameValue(there.data, wanted.data)
  if (there?.state !== 'live') return true
  return there.created === wanted?.created || Object.keys(there.data).length === 0
}

function versionOf({ versions }: Entry2, number: number): Version | undefined {
  return versions.find(({ version }) => version === number)
}

async function replay(wanted: Entry2, live: Entry2 | undefined, place: ApplyTarget): Promise<Applied> {
  const from = (live?.current ?? 0) + 1
  let metadata = live?.metadata ?? UNSET
  if (from <= wanted.current && wanted.current > keptVersions(metadata, wanted.mount, place)) {
    // Kept until the end, or the first versions would be pruned by the last.
    await setMetadata(wanted, { ...metadata, maxVersions: wanted.current }, place)
    metadata = { ...metadata, maxVersions: wanted.current }
  }
  for (let number = from; number <= wanted.current; number += 1) {
    const version = versionOf(wanted, number)
    await writeVersion(wanted, number - 1, version?.state === 'live' ? version.data : {}, place)
  }
  await finish(wanted, { live, metadata, from }, place)
  return 'whole'
}

interface Replayed {
  readonly live: Entry2 | undefined
  readonly metadata: SecretMetadata
  readonly from: number
}

/** Metadata last: an earlier limit would prune, an earlier time of expiry would stamp the new versions. */
async function finish(wanted: Entry2, { live, metadata, from }: Replayed, place: ApplyTarget): Promise<void> {
  const isNew = live === undefined && from > wanted.current
  if (isNew || !isSameMetadata(metadata, wanted.metadata)) await setMetadata(wanted, wanted.metadata, place)
  const numbers = Array.from({ length: wanted.current }, (_, index) => index + 1)
  const isThere = (number: number, gone: Version['state']): boolean => {
    const state = live === undefined ? undefined : versionOf(live, number)?.state
    return number >= from || state === 'live' || (state === 'deleted' && gone === 'destroyed')
  }
  const stateOf = (number: number): Version['state'] => versionOf(wanted, number)?.state ?? 'destroyed'
  for (const [gone, act] of [
    ['deleted', 'delete'],
    ['destroyed', 'destroy'],
  ] as const) {
    const these = numbers.filter((number) => stateOf(number) === gone && isThere(number, gone))
    if (these.length > 0) await changeVersions(wanted, act, these, place)
  }
}

/** The newest value as the next version; the history that is there stays. */
async function applyCurrent(wanted: Entry2, live: Entry2 | undefined, place: ApplyTarget): Promise<Applied> {
  const [newest, there] = [versionOf(wanted, wanted.current), live && versionOf(live, live.current)]
  if (newest?.state === 'live') {
    if (there?.state !== 'live' || !isSameValue(there.data, newest.data))
      await writeVersion(wanted, live?.current ?? 0, newest.data, place)
  } else if (there?.state === 'live') await changeVersions(wanted, 'delete', [there.version], place)
  const knowsMetadata = live !== undefined && wanted.valueOnly !== true
  if (knowsMetadata && !isSameMetadata(live.metadata, wanted.metadata))
    await setMetadata(wanted, wanted.metadata, place)
  return 'current'
}

async function applyRenumbered(wanted: Entry2, place: ApplyTarget): Promise<Applied> {
  const held = wanted.versions.flatMap((version) => (version.state === 'live' ? [version.data] : []))
  const versions: Version[] = held.map((data, index) => ({ version: index + 1, state: 'live', created: '', data }))
  const renumbered = { ...wanted, current: held.length, versions }
  await replay(renumbered, await readStable(wanted.mount, wanted.path, place.client), place)
  const newest = versionOf(wanted, wanted.current)
  if (newest?.state !== 'live' && held.length > 0) await changeVersions(wanted, 'delete', [held.length], place)
  return 'current'
}

const UNSET: SecretMetadata = { maxVersions: 0, casRequired: false, deleteVersionAfter: '0s', custom: null }

function keptVersions({ maxVersions }: SecretMetadata, mount: string, { mounts }: ApplyTarget): number {
  return maxVersions || mounts.get(mount)?.config?.max_versions || DEFAULT_VERSIONS
}

async function writeVersion(entry: Entry2, after: number, data: Value, place: ApplyTarget): Promise<void> {
  const body = { options: { cas: after }, data }
  await write(place, `${nameOf(entry)} version ${after + 1}`, { method: 'POST', path: urlOf(entry, 'data'), body })
}

async function setMetadata(entry: Entry2, metadata: SecretMetadata, place: ApplyTarget): Promise<void> {
  const body = {
    max_versions: metadata.maxVersions,
    cas_required: metadata.casRequired,
    delete_version_after: metadata.deleteVersionAfter,
    custom_metadata: metadata.custom ?? {},
    // A server that does not know it passes over it.
    metadata_cas_required: metadata.metadataCasRequired === true,
  }
  await writeMetadata(entry, body, place).catch(async (error: unknown) => {
    if (!(isFailure(error, 'refused') && error.message.includes('metadata check-and-set parameter required')))
      throw error
    const now = await readInfo(entry.mount, entry.path, place.client)
    await writeMetadata(entry, { ...body, metadata_cas: now?.current_metadata_version ?? 0 }, place)
  })
}

async function writeMetadata(entry: Entry2, body: object, place: ApplyTarget): Promise<void> {
  await write(place, `metadata of ${nameOf(entry)}`, { method: 'POST', path: urlOf(entry, 'metadata'), body })
}

async function changeVersions(
  entry: Pick<Entry, 'mount' | 'path'>,
  act: 'delete' | 'destroy',
  versions: readonly number[],
  place: ApplyTarget,
): Promise<void> {
  const method = act === 'destroy' ? 'PUT' : 'POST'
  await write(place, `${act} versions of ${nameOf(entry)}`, { method, path: urlOf(entry, act), body: { versions } })
}

async function write({ client, context }: ApplyTarget, what: string, call: Call): Promise<void> {
  await context.effects.run(`openbao: ${what}`, async () => {
    await client.call(call)
  })
}

function urlOf(
  { mount, path }: Pick<Entry, 'mount' | 'path'>,
  part: 'data' | 'metadata' | 'delete' | 'destroy' | undefined,
): string {
  return [encodePath(mount), ...(part === undefined ? [] : [part]), encodePath(path)].join('/')
}
