import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import type { GivenSecrets, ListedSecret, SecretList, TakenSecrets } from '../../capabilities/secret-lists.ts'
import type { ArtifactSink, ArtifactSource, Captured } from '../../transfer.ts'
import { CaptureStats, SECRETS } from '../capture/capture.ts'
import { listedLine, refusePath, textOfNewest } from './listed-entry.ts'
import { parseEntryLine } from './entry.ts'
import { entriesOf } from '../client/lines.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../schema.ts'

/** A list of newest values becomes what a capture of one KV version 2 mount stores. */
export async function takeList(settings: OpenbaoSettings, list: SecretList): Promise<TakenSecrets<OpenbaoDetails>> {
  const mount = theMount(list.place, settings.mounts ?? [], 'the configuration names')
  for await (const { path } of list.secrets()) refusePath(path)
  return { capture: (sink) => captureList(settings, list, mount, sink) }
}

async function captureList(
  settings: OpenbaoSettings,
  list: SecretList,
  mount: string,
  sink: ArtifactSink,
): Promise<Captured<OpenbaoDetails>> {
  const census = new CaptureStats([{ path: mount, version: 2, description: '', config: null }])
  await sink.write(SECRETS, 'json-lines', linesOf(list, mount, census))
  const { address, namespace } = settings
  const details: OpenbaoDetails = {
    address,
    ...(namespace === undefined ? {} : { namespace }),
    serverVersion: 'unknown',
    clusterId: null,
    storage: null,
    seal: { type: 'unknown', threshold: 0, shares: 0 },
    keyring: null,
    ...census.facts(),
    snapshot: null,
    readFrom: list.created,
    readUntil: list.created,
    imported: list.origin,
  }
  return { details, notCaptured: notInLists(mount) }
}

async function* linesOf(list: SecretList, mount: string, census: CaptureStats): Bytes {
  for await (const { path, json } of list.secrets()) {
    const text = listedLine({ mount, path, json, created: list.created })
    const line = Buffer.from(text)
    // Read as every later reader will.
    census.add(parseEntryLine(text), line)
    yield line
  }
}

function notInLists(mount: string): readonly string[] {
  return [
    `Of mount ${mount} the file has the newest values only: versions, deletions and metadata of secrets are not in it, and a restore leaves those that are there`,
    'Configuration of mounts, policies, auth methods, identities, and the keys of transit and PKI are not in the file',
    'Unseal keys are not in the file; keep them where they outlive the server',
  ]
}

/** The newest values of one mount. */
export function giveList(
  details: OpenbaoDetails,
  source: ArtifactSource,
  place: string | undefined,
): Promise<GivenSecrets> {
  const filled = details.mounts.filter(({ secrets }) => secrets > 0).map(({ path }) => path)
  const mount = theMount(place, filled, 'the restore point has secrets in')
  const others = filled.filter((path) => path !== mount)
  let without = 0
  async function* secrets(): AsyncGenerator<ListedSecret> {
    for await (const entry of entriesOf(source.read(SECRETS), details)) {
      if (entry.mount !== mount) continue
      const json = textOfNewest(entry)
      if (json === undefined) without += 1
      else yield { path: entry.path, json }
    }
  }
  const leftOut = (): readonly string[] => [
    ...(others.length === 0 ? [] : [`secrets of the mounts ${others.join(', ')}`]),
    ...(without === 0 ? [] : [`${without} secrets whose newest version is deleted or destroyed`]),
    'older versions, deletions and metadata of secrets',
  ]
  return Promise.resolve({ secrets: secrets(), leftOut })
}

function theMount(named: string | undefined, known: readonly string[], who: string): string {
  const wanted = named?.replace(/\/$/, '')
  const [only, ...more] =
    wanted === undefined ? known : known.length === 0 ? [wanted] : [wanted].filter((path) => known.includes(path))
  if (only !== undefined && more.length === 0) return only
  const what = known.length === 0 ? 'no mount' : known.join(', ')
  throw new Failure('usage', `openbao: which KV mount do the paths of the secrets belong to? ${who} ${what}`, {
    hint: 'Name one of them with --mount, for example --mount yubikeys.',
  })
}
