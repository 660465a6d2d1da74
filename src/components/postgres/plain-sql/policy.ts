import { Failure } from '../../../core/failure.ts'
import type { Statement } from './lexer/pieces.ts'
import { refusedAt } from './lexer/refusals.ts'

/** What is done with a statement of a database's dump. */
export type StatementAction = 'run' | 'skip' | 'role' | 'owner' | 'authorization'

/** Encodings in which a byte of a character can look like a quote or a backslash; a server does not store them, clients ask for them. */
const AMBIGUOUS = new Set([
  'sjis',
  'shiftjis',
  'shiftjis2004',
  'mskanji',
  'big5',
  'windows950',
  'gbk',
  'windows936',
  'uhc',
  'windows949',
  'johab',
  'gb18030',
])
const SETTING = /^set\s+(?:session\s+|local\s+)?(\w+)\s*(?:=|to)\s*'?([^';]*)'?\s*;$/i

/** A `SET name = value` with its one value; undefined for other statements. */
export function settingOf({ words, text }: Statement): { readonly name: string; readonly value: string } | undefined {
  if (words[0] !== 'set' || text.length > 1000) return undefined
  const [, name, value] = SETTING.exec(text.toString('latin1')) ?? []
  return name === undefined || value === undefined ? undefined : { name: name.toLowerCase(), value }
}

/**
 * Decides about a statement. Skipped is what only matters where the dump came from (DROP, tablespaces, the database itself, all
 * that `--clean` has before the first object) and the setting that would let rows in against their foreign keys. Fails for what
 * no dump needs.
 */
export function classifyStatement(statement: Statement, inPrologue: boolean): StatementAction {
  assertUsual(statement)
  if (isOfElsewhere(statement) || (inPrologue && isForClean(statement))) return 'skip'
  const [first, second, third] = statement.words
  if ((first === 'set' || first === 'reset') && second === 'session' && third === 'authorization')
    return 'authorization'
  if (first === 'alter' && second === 'database') return statement.words.includes('owner') ? 'owner' : 'run'
  if (isAboutRoles(statement)) return 'role'
  return first === 'set' && isSkippedSetting(statement) ? 'skip' : 'run'
}

function assertUsual({ offset, words: [first, , third], copies }: Statement): void {
  if (first === 'copy' && !copies) throw refusedAt(offset, 'a COPY that does not read rows of the dump')
  if (first === 'select' && third?.startsWith('binary_upgrade_') === true)
    throw refusedAt(offset, 'a dump for pg_upgrade, which has no rows', BINARY_UPGRADE)
}

/** What only matters where the dump came from. */
function isOfElsewhere({ words: [first, second] }: Statement): boolean {
  return first === 'drop' || second === 'tablespace' || (first === 'create' && second === 'database')
}

const BINARY_UPGRADE = 'Make the dump without --binary-upgrade.'

/** What makes room for the objects of the dump: they are not there yet. */
function isForClean({ words: [first, second, ...more] }: Statement): boolean {
  if (first === 'alter') return more.includes('drop') || more.includes('detach')
  if (first === 'create') return second === 'or' && more.includes('view')
  if (first === 'update') return more.includes('pg_database')
  return first === 'select' && more[0] === 'lo_unlink'
}

function isAboutRoles({ words }: Statement): boolean {
  const [first, second] = words
  const kinds = ['role', 'user', 'group']
  return (
    (first === 'create' || first === 'alter') &&
    second !== undefined &&
    kinds.includes(second) &&
    words[2] !== 'mapping'
  )
}

function isSkippedSetting(statement: Statement): boolean {
  const setting = settingOf(statement)
  if (setting === undefined) return statement.words.some((word) => word.startsWith('session_replication_'))
  if (setting.name === 'client_encoding') assertReadable(setting.value, statement.offset)
  return setting.name.startsWith('session_replication_') || setting.name === 'default_tablespace'
}

function assertReadable(encoding: string, offset: number): void {
  if (!AMBIGUOUS.has(encoding.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))) return
  throw new Failure('unsupported', `byte ${offset}: a dump in the encoding ${encoding} cannot be split safely`, {
    facts: { byteOffset: offset },
    hint: 'Make the dump again in UTF-8, or in the encoding of the database.',
  })
}
