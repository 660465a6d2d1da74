import { describe } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import { bytesOfSecret, secretOfBytes } from '../../core/texts/secret-bytes.ts'
import { randomHex } from '../../system/random.ts'
import type { ArtifactSink, Captured } from '../transfer.ts'
import { nothingThere } from '../nothing-there.ts'
import { recordLine, secretDigest, SECRETS, type SecretRecord } from '../secret-record.ts'
import { allSources } from './folder.ts'
import { readSecret, requireSecret, type HostFile } from './read-secret.ts'
import type { SecretDetails, SecretsDetails, SecretSource, SecretsSettings } from './schema.ts'

/** Captures the exact bytes of every secret. One that is not there fails the whole: without it the app does not start. */
export async function captureSecrets(
  settings: SecretsSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<SecretsDetails>> {
  const fingerprintKey = sink.fingerprintKey ?? secretOfBytes(Buffer.from(randomHex(32), 'hex'))
  const found: { readonly record: SecretRecord; readonly details: SecretDetails }[] = []
  const { sources, notCaptured } = await allSources(settings)
  for (const [name, source] of sources) {
    context.signal.throwIfAborted()
    const file = await requireSecret(name, source).catch(async (error: unknown) => {
      throw (await areAllGone(sources)) ? nothingThere(describe(error), { cause: error }) : error
    })
    found.push({ record: recordOf(name, source, file), details: detailsOf(name, source, file, fingerprintKey) })
    // What is proven to open the data must be the very value that is captured, not one that is read again.
    sink.evidence?.secret(name, file.value)
  }
  await sink.write(SECRETS, 'json-lines', lines(found.map(({ record }) => record)))
  const secrets = found.map(({ details }) => details)
  return { details: { fingerprintKey: fingerprintKey.reveal(), secrets }, notCaptured }
}

/** A lost host is what restores are for; one lost secret of many is none. An unset variable says nothing of the app. */
async function areAllGone(sources: readonly (readonly [string, SecretSource])[]): Promise<boolean> {
  for (const [, source] of sources)
    if (source.environment !== undefined || (await readSecret(source)) !== undefined) return false
  return true
}

async function* lines(records: readonly SecretRecord[]): AsyncGenerator<Uint8Array> {
  for (const record of records) yield await Promise.resolve(recordLine(record))
}

function recordOf(name: string, source: SecretSource, { mode, uid, gid, value }: HostFile): SecretRecord {
  const place = placeIn(source)
  return source.environment === undefined
    ? { name, value, source: { kind: 'file', ...place, mode, uid, gid } }
    : { name, value, source: { kind: 'environment', ...place } }
}

/** What is set of it: JSON has no undefined. */
function placeIn(source: SecretSource): SecretSource {
  return Object.fromEntries(Object.entries(source).filter(([, part]) => part !== undefined))
}

function detailsOf(
  name: string,
  source: SecretSource,
  { value, mode, uid, gid }: HostFile,
  fingerprintKey: Secret,
): SecretDetails {
  const bytes = bytesOfSecret(value)
  const place = { name, ...placeIn(source), mode, uid, gid }
  return {
    ...place,
    bytes: bytes.length,
    trailingNewline: bytes.at(-1) === 10,
    digest: secretDigest(fingerprintKey, value),
  }
}
