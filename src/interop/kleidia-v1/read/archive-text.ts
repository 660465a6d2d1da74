import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { assertNotCancelled } from '../../../storage/outcomes.ts'
import { bytesOf } from '../../../repository/documents/bytes.ts'
import { shown } from './archive-reader.ts'
import { backupType, createdAt, LONGEST_SQL, tooLong, type KleidiaContent } from '../format/kleidia-content.ts'
import { JsonText } from '../format/json-text.ts'
import { jsonTokens } from '../format/json-tokens.ts'
import type { KeptSecret } from '../format/secret-lines.ts'

/** The one JSON object of an archive, as a stream of UTF-8, in the order of the documentation. */
export async function* archiveText(content: KleidiaContent, signal: AbortSignal): Bytes {
  yield Buffer.from(`{"header":${innerHeader(content)}`)
  if (content.sql !== undefined) yield* sqlMember(content.sql.content, signal)
  if (content.secrets !== undefined) yield* secretsMember(content.secrets, signal)
  yield Buffer.from('}')
}

function innerHeader(content: KleidiaContent): string {
  return JSON.stringify({
    version: 1,
    created_at: createdAt(content),
    backup_type: backupType(content),
    includes_db: content.sql !== undefined,
    includes_kv: content.secrets !== undefined,
    includes_audit_logs: content.includesAudit,
  })
}

async function* sqlMember(sql: Bytes, signal: AbortSignal): Bytes {
  // Whole characters only come out of the decoder, so that no pair of surrogates is torn by escaping.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  yield Buffer.from(',"database_sql":"')
  let size = 0
  for await (const chunk of sql) {
    assertNotCancelled(signal, 'write the backup')
    size += chunk.length
    if (size > LONGEST_SQL) throw tooLong()
    yield escaped(decodedSql(() => decoder.decode(chunk, { stream: true })))
  }
  yield escaped(decodedSql(() => decoder.decode()))
  yield Buffer.from('"')
}

function escaped(text: string): Buffer {
  return Buffer.from(JSON.stringify(text).slice(1, -1))
}

function decodedSql(decode: () => string): string {
  try {
    return decode()
  } catch {
    throw new Failure('refused', 'the database as SQL is not UTF-8, and JSON can hold nothing else', {
      hint: 'Dump it with client encoding UTF8.',
    })
  }
}

async function* secretsMember(secrets: AsyncIterable<KeptSecret>, signal: AbortSignal): Bytes {
  const paths = new Set<string>()
  yield Buffer.from(',"vault_secrets":{')
  for await (const { path, json } of secrets) {
    assertNotCancelled(signal, 'write the backup')
    if (paths.has(path)) throw new Failure('refused', `the secret ${shown(path)} is there twice`)
    const comma = paths.size === 0 ? '' : ','
    paths.add(path)
    yield Buffer.from(`${comma}${JSON.stringify(path)}:${await checkedObject(json.reveal(), path)}`)
  }
  yield Buffer.from('}')
}

/** The same text, without spaces in between, once it was seen to be one object with no key twice. */
async function checkedObject(json: string, path: string): Promise<string> {
  const what = `secret ${shown(path)}`
  const text = new JsonText(what, { length: 32 * 2 ** 20 })
  let isWhole = false
  for await (const tokens of jsonTokens(bytesOf(Buffer.from(json)), what))
    for (const token of tokens) isWhole = text.take(token)
  if (isWhole && text.text.startsWith('{')) return text.text
  throw new Failure('refused', `${what} is no JSON object`)
}
