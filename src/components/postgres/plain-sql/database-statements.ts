import { identifier, literal } from '../connection/connection.ts'
import { decodedText } from './lexer/decoded-text.ts'
import type { Statement } from './lexer/pieces.ts'
import { TokenReader, tokensOf } from './lexer/tokens.ts'

/** The database that a CREATE or ALTER DATABASE statement names; undefined for other statements. */
export function databaseNamed(statement: Statement, act: 'create' | 'alter'): string | undefined {
  if (statement.words[0] !== act || statement.words[1] !== 'database') return undefined
  const reader = new TokenReader(tokensOf(decodedText(statement)))
  reader.skip(act, 'database')
  return reader.name()
}

/** The owner that `ALTER DATABASE … OWNER TO` gives. */
export function ownerGiven(statement: Statement): string | undefined {
  if (statement.words[0] !== 'alter' || statement.words[1] !== 'database') return undefined
  const reader = new TokenReader(tokensOf(decodedText(statement)))
  reader.skip('alter', 'database')
  reader.name()
  return reader.skip('owner', 'to') ? reader.name() : undefined
}

/** What a dump says of a database when it creates it. */
export interface Creation {
  readonly encoding: string
  /** Clauses of CREATE DATABASE; empty is the server's default. */
  readonly locale: string
}

const LOCALE_OPTIONS = [
  'locale_provider',
  'locale',
  'lc_collate',
  'lc_ctype',
  'icu_locale',
  'icu_rules',
  'builtin_locale',
]

/** Encoding and locale of CREATE DATABASE; where the database is and how many may connect is not taken over. */
export function creationOf(statement: Statement): Creation {
  const reader = new TokenReader(tokensOf(decodedText(statement)))
  reader.skip('create', 'database')
  reader.name()
  reader.skip('with')
  const options = new Map<string, string>()
  for (let name = reader.name(); name !== undefined; name = reader.name()) {
    reader.skip('=')
    options.set(name, reader.next()?.text ?? '')
  }
  const locale = LOCALE_OPTIONS.flatMap((name) => clause(name, options.get(name)))
  return { encoding: options.get('encoding') ?? 'UTF8', locale: locale.join(' ') }
}

function clause(name: string, value: string | undefined): string[] {
  if (value === undefined) return []
  return [`${name} = ${name === 'locale_provider' ? identifier(value) : literal(value)}`]
}
