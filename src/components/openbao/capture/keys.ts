import { z } from 'zod'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import { bytesOfSecret, secretOfBytes } from '../../../core/texts/secret-bytes.ts'
import type { ArtifactSink, ArtifactSource, Captured } from '../../transfer.ts'
import { secretDigest } from '../../secret-record.ts'
import { captureOpenbao, SECRETS } from './capture.ts'
import { parseAnswer, type Client } from '../client/client.ts'
import { withClient } from '../client/connect.ts'
import { nameOf, parseEntryLine, secretValue, type Entry, type Value } from '../kv/entry.ts'
import { encodePath } from '../kv/kv-paths.ts'
import { entriesOf, linesOf } from '../client/lines.ts'
import { findMounts } from '../kv/mounts.ts'
import { readPlain } from '../kv/read-entry.ts'
import type { CapturedKey, OpenbaoDetails, OpenbaoSettings } from '../schema.ts'

/** One value of a secret is `mount/path#key`. */

/** Captures, and hands over what key fit asks for: values of the very lines that are stored. */
export async function captureWithKeys(
  settings: OpenbaoSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<OpenbaoDetails>> {
  const wanted = sink.evidence?.secrets ?? []
  if (wanted.length === 0) return await captureOpenbao(settings, sink, context)
  const keys = new Map<string, Secret>()
  const watching: ArtifactSink = {
    write: (role, kind, content) =>
      sink.write(role, kind, role === SECRETS ? watched(content, (entry) => note(entry, wanted, keys)) : content),
  }
  const captured = await captureOpenbao(settings, watching, context)
  for (const [name, value] of keys) sink.evidence?.secret(name, value)
  return { ...captured, details: { ...captured.details, keys: digests(keys, sink.fingerprintKey) } }
}

/** Gives the bytes on as they are, and says each entry that went by. */
async function* watched(content: Bytes, see: (entry: Entry) => void): Bytes {
  let part: Uint8Array[] = []
  for await (const chunk of content) {
    // A reader may overwrite its chunk once the next is asked for.
    part.push(Buffer.from(chunk))
    yield chunk
    if (chunk.at(-1) !== NEWLINE) continue
    for await (const line of linesOf(once(Buffer.concat(part)))) see(parseEntryLine(line))
    part = []
  }
}
const NEWLINE = 0x0a

async function* once(bytes: Uint8Array): Bytes {
  yield await Promise.resolve(bytes)
}

function note(entry: Entry, wanted: readonly string[], keys: Map<string, Secret>): void {
  for (const name of wanted) {
    const value = valueIn(entry, name)
    if (value !== undefined) keys.set(name, value)
  }
}

/** What the newest version has under this name; a deleted one has nothing. */
function valueIn(entry: Entry, name: string): Secret | undefined {
  const prefix = `${nameOf(entry)}#`
  const data = name.startsWith(prefix) ? newestOf(entry) : undefined
  return data === undefined ? undefined : secretIn(data, name.slice(prefix.length))
}

function newestOf(entry: Entry): Value | undefined {
  if (entry.kv === 1) return entry.data
  if (entry.kv === 'absent') return undefined
  const newest = entry.versions.find(({ version }) => version === entry.current)
  return newest?.state === 'live' ? newest.data : undefined
}

/** Text as its bytes; anything else as the JSON that it is. */
function secretIn(data: Value, key: string): Secret | undefined {
  if (!Object.hasOwn(data, key)) return undefined
  const value = data[key]
  return secretOfBytes(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
}

function digests(keys: ReadonlyMap<string, Secret>, fingerprintKey: Secret | undefined): CapturedKey[] {
  if (fingerprintKey === undefined) return []
  return [...keys].map(([name, value]) => ({
    name,
    digest: secretDigest(fingerprintKey, value),
    trailingNewline: bytesOfSecret(value).at(-1) === NEWLINE,
  }))
}

export async function capturedKey(
  details: OpenbaoDetails,
  source: ArtifactSource,
  name: string,
): Promise<Secret | undefined> {
  let found: Secret | undefined
  // To the end, as only then it is known that the list is the captured one.
  for await (const entry of entriesOf(source.read(SECRETS), details)) found = valueIn(entry, name) ?? found
  return found
}

/** What is under this name now. The names of mounts, paths and keys may all hold what separates them, so each way is tried. */
export function liveKey(settings: OpenbaoSettings, name: string, context: Context): Promise<Secret | undefined> {
  return withClient(settings, 'capture', context, async (client) => {
    for (const mount of await findMounts(settings, client)) {
      if (!name.startsWith(`${mount.path}/`)) continue
      for (const { path, key } of splitsOf(name.slice(mount.path.length + 1))) {
        const data = await readNewest(mount, path, client)
        const value = data && secretIn(data, key)
        if (value !== undefined) return value
      }
    }
    return undefined
  })
}

function splitsOf(rest: string): readonly { readonly path: string; readonly key: string }[] {
  const ends = [...rest.matchAll(/#/g)].map(({ index }) => index).filter((at) => at > 0)
  return ends.map((at) => ({ path: rest.slice(0, at), key: rest.slice(at + 1) }))
}

const newestBody = z.object({ data: z.object({ data: secretValue }) })

async function readNewest(
  mount: { readonly path: string; readonly version: 1 | 2 },
  path: string,
  client: Client,
): Promise<Value | undefined> {
  if (mount.version === 1) return (await readPlain(mount.path, path, client))?.data
  const answer = await client.call({ path: `${encodePath(mount.path)}/data/${encodePath(path)}`, accept: [404] })
  if (answer.status === 404) return undefined
  return parseAnswer(answer, newestBody, `${mount.path}/${path}`).data.data
}
