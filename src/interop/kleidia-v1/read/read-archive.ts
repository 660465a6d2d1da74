import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { ArchiveReader, type ArchiveParts, type ArchiveSink } from './archive-reader.ts'
import type { Claims } from '../format/claims.ts'
import { expand, type ArchiveLimits } from './expand.ts'
import { foreignFormat } from '../format/foreign.ts'
import { jsonTokens } from '../format/json-tokens.ts'
import { checkPresence, parseTruth, type Truth } from '../format/truth.ts'

/** A sink that is given time to write. */
export interface SlowSink extends ArchiveSink {
  flush(): Promise<void>
}

export interface Contents extends ArchiveParts {
  readonly truth: Truth
  /** Where the header outside of the encryption says something else; it can be changed by who has no password. */
  readonly disagreements: readonly string[]
  /** Where the header inside is not as documented; it is authentic all the same. */
  readonly remarks: readonly string[]
}

export interface ReadArchive {
  readonly compressed: Bytes
  readonly size: number
  readonly claims: Claims
  readonly limits: ArchiveLimits
  readonly name: string
}

/** Reads the whole decrypted content into the sink. What the sink was given is good only when this has resolved. */
export async function readArchive(archive: ReadArchive, sink: SlowSink): Promise<Contents> {
  const { name, claims } = archive
  const what = `content of ${name}`
  const reader = new ArchiveReader(what, sink)
  const text = knownLayout(expand(archive.compressed, archive.size, archive.limits, name), what)
  for await (const tokens of jsonTokens(text, what)) {
    for (const token of tokens) reader.take(token)
    await sink.flush()
  }
  const parts = reader.finish()
  const { truth, remarks } = parseTruth(parts.header, `header in ${what}`)
  checkPresence(truth, parts, what)
  return { ...parts, truth, remarks, disagreements: disagreements(claims, truth) }
}

/** An older page of Kleidia's documentation describes an archive of several files. None was ever seen. */
async function* knownLayout(source: Bytes, what: string): Bytes {
  let isFirst = true
  for await (const chunk of source) {
    const other = isFirst ? foreignFormat(chunk) : undefined
    if (other !== undefined) {
      throw new Failure('unsupported', `${what} is ${other} and not one JSON object`, {
        hint: 'This is another layout than the documented one. Please report it, without the file: it can be added.',
      })
    }
    isFirst = false
    yield chunk
  }
}

const fields = ['created', 'backupType', 'includesDatabase', 'includesSecrets', 'includesAudit'] as const

function disagreements(claims: Claims, truth: Truth): readonly string[] {
  return fields
    .filter((field) => claims[field] !== undefined && truth[field] !== undefined && claims[field] !== truth[field])
    .map((field) => `${field}: ${JSON.stringify(claims[field])} outside, ${JSON.stringify(truth[field])} inside`)
}
