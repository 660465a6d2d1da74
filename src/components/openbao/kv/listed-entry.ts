import { Failure } from '../../../core/failure.ts'
import { Secret } from '../../../core/secret.ts'
import type { Entry } from './entry.ts'
import { isOwnPath } from './kv-paths.ts'

/** A secret of which a list of another program has the newest value. */
export interface ListedValue {
  readonly mount: string
  readonly path: string
  /** The text of a JSON object; it is put into the line as it stands, so that every digit survives. */
  readonly json: Secret
  readonly created: string
}

/** The line of a version 2 secret of which only the value is known. */
export function listedLine({ mount, path, json, created }: ListedValue): string {
  const metadata = { maxVersions: 0, casRequired: false, deleteVersionAfter: '0s', custom: null }
  const entry = { kv: 2, mount, path, valueOnly: true, metadata, created, updated: created, current: 1 }
  const version = { version: 1, state: 'live', created }
  return `${open(entry)},"versions":[${open(version)},"data":${json.reveal()}}]}\n`
}

function open(value: object): string {
  return JSON.stringify(value).slice(0, -1)
}

/** The newest value; undefined when it was deleted. */
export function textOfNewest(entry: Entry): Secret | undefined {
  if (entry.kv === 'absent') return undefined
  if (entry.kv === 1) return new Secret(JSON.stringify(entry.data))
  const newest = entry.versions.find(({ version }) => version === entry.current)
  return newest?.state === 'live' ? new Secret(JSON.stringify(newest.data)) : undefined
}

/** A path of a stranger's list goes into the path of requests: nothing in it may lead out of the mount. */
export function refusePath(path: string): void {
  const why = whyNot(path)
  if (why === undefined) return
  throw new Failure('refused', `openbao: the secret ${JSON.stringify(path.slice(0, 128))} ${why}`, {
    hint: 'No KV mount has such a secret. Unpack the file and look who wrote it.',
  })
}

function whyNot(path: string): string | undefined {
  if (path.split('/').includes('')) return 'has an empty name in its path'
  if (path.split('/').some((name) => name === '.' || name === '..')) return 'has a path that leads elsewhere'
  if (/\p{Cc}/u.test(path) || !path.isWellFormed()) return 'has a control character in its path'
  return isOwnPath(path) ? 'has a path that restores use for themselves' : undefined
}
