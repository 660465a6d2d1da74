import { Secret } from '../../../core/secret.ts'
import { identifier, literal } from '../connection/connection.ts'
import { decodedText } from './lexer/decoded-text.ts'
import type { Statement } from './lexer/pieces.ts'
import { TokenReader, tokensOf } from './lexer/tokens.ts'

/** What a dump says of roles; only what is understood is carried out, in statements of our own. */
export type RoleStatement =
  | {
      readonly type: 'role'
      readonly name: string
      readonly attributes: readonly string[]
      /** As a server keeps it; what reads it decides whether it is taken. */
      readonly password?: Secret
    }
  | { readonly type: 'member'; readonly role: string; readonly member: string; readonly options: string }
  | { readonly type: 'setting'; readonly name: string; readonly database: string | undefined; readonly clause: string }

const FLAGS = new Set([
  'login',
  'nologin',
  'inherit',
  'noinherit',
  'createrole',
  'nocreaterole',
  'createdb',
  'nocreatedb',
])

/** What servers keep of passwords. A password itself is none of it, and no dump that a server made has one. */
const VERIFIER = /^(?:SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+|md5[0-9a-f]{32})$/

/**
 * Reads CREATE ROLE, ALTER ROLE and GRANT … TO … of pg_dumpall. Undefined for all others. Left out are SUPERUSER,
 * REPLICATION and BYPASSRLS, which no restore gives.
 */
export function parseRoleStatement(statement: Statement): RoleStatement | undefined {
  const reader = new TokenReader(tokensOf(decodedText(statement)))
  if (reader.skip('grant')) return parseMembership(reader)
  if (!reader.skip('create') && !reader.skip('alter')) return undefined
  if (!reader.skip('role') && !reader.skip('user') && !reader.skip('group')) return undefined
  const name = reader.name()
  if (name === undefined) return undefined
  const database = reader.skip('in', 'database') ? reader.name() : undefined
  return reader.skip('set') ? parseSetting(name, database, reader) : { type: 'role', name, ...attributesFrom(reader) }
}

function parseMembership(reader: TokenReader): RoleStatement | undefined {
  const role = reader.name()
  if (role === undefined || !reader.skip('to')) return undefined
  const member = reader.name()
  if (member === undefined) return undefined
  const words: string[] = []
  if (reader.skip('with')) while (!reader.ended && !reader.skip('granted', 'by')) words.push(reader.next()?.text ?? '')
  const options = words
    .join(' ')
    .split(' , ')
    .filter((option) => /^(?:admin|inherit|set) (?:option|true|false)$/.test(option))
  return { type: 'member', role, member, options: options.join(', ') }
}

function parseSetting(name: string, database: string | undefined, reader: TokenReader): RoleStatement | undefined {
  let setting = reader.name()
  while (setting !== undefined && reader.skip('.')) setting = `${setting}.${reader.name() ?? ''}`
  if (setting === undefined || !(reader.skip('to') || reader.skip('='))) return undefined
  const values: string[] = []
  for (let token = reader.next(); token !== undefined; token = reader.next())
    if (token.text !== ',' || token.kind === 'string') values.push(literal(token.text))
  const quoted = setting.split('.').map(identifier).join('.')
  return { type: 'setting', name, database, clause: `set ${quoted} to ${values.join(', ')}` }
}

function attributesFrom(reader: TokenReader): { attributes: string[]; password?: Secret } {
  const found: string[] = []
  let password: string | undefined
  for (let token = reader.next(); token !== undefined; token = reader.next()) {
    if (token.kind !== 'word') continue
    if (FLAGS.has(token.text)) found.push(token.text)
    else if (token.text === 'connection' && reader.skip('limit')) found.push(`connection limit ${limitFrom(reader)}`)
    else if (token.text === 'valid' && reader.skip('until'))
      found.push(`valid until ${literal(reader.next()?.text ?? '')}`)
    else if (token.text === 'password') password = verifierFrom(reader)
  }
  return { attributes: found, ...(password === undefined ? {} : { password: new Secret(password) }) }
}

function verifierFrom(reader: TokenReader): string | undefined {
  const token = reader.next()
  return token?.kind === 'string' && VERIFIER.test(token.text) ? token.text : undefined
}

function limitFrom(reader: TokenReader): number {
  const sign = reader.skip('-') ? -1 : 1
  return sign * Math.trunc(Number(reader.next()?.text ?? 1)) || -1
}
