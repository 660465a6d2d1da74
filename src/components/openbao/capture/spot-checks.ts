import { isFailure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { parseAnswer } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import type { Entry } from '../kv/entry.ts'
import { canonical } from '../client/json.ts'
import { encodePath } from '../kv/kv-paths.ts'
import { entriesOf } from '../client/lines.ts'
import type { Expected } from '../client/lines.ts'
import { readPlain, versionBody } from '../kv/read-entry.ts'
import { isSameValue } from '../restore/same.ts'

const MOST = 10

/** A few captured secrets that can be read. The list is read to its end, which authenticates it. */
export async function spotChecksOf(secrets: Bytes, expected: Expected): Promise<readonly Entry[]> {
  const spotChecks: Entry[] = []
  for await (const entry of entriesOf(secrets, expected))
    if (spotChecks.length < MOST && isReadable(entry)) spotChecks.push(entry)
  return spotChecks
}

function isReadable(entry: Entry): boolean {
  return entry.kv === 1 || (entry.kv === 2 && entry.versions.at(-1)?.state === 'live')
}

/**
 * Whether the server gives one of them as it was captured. The snapshot was taken after the list, so that a secret that
 * was written between the two differs; all of them never do. None at all proves nothing and is no success.
 */
export async function readSpotChecks(spotChecks: readonly Entry[], client: Client): Promise<boolean> {
  let isOne = false
  for (const spotCheck of spotChecks) isOne = (await isThere(spotCheck, client).catch(unlessWithoutMount)) || isOne
  return isOne
}

function unlessWithoutMount(error: unknown): false {
  if (isFailure(error, 'notFound')) return false
  throw error
}

async function isThere(entry: Entry, client: Client): Promise<boolean> {
  if (entry.kv === 1) {
    const found = await readPlain(entry.mount, entry.path, client)
    return found !== undefined && canonical(found.data) === canonical(entry.data)
  }
  const newest = entry.kv === 2 ? entry.versions.at(-1) : undefined
  if (newest?.state !== 'live') return false
  const path = `${encodePath(entry.mount)}/data/${encodePath(entry.path)}?version=${newest.version}`
  const answer = await client.call({ path, accept: [404] })
  if (answer.status === 404) return false
  const { data } = parseAnswer(answer, versionBody, `version ${newest.version}`).data
  return data !== null && isSameValue(data, newest.data)
}
