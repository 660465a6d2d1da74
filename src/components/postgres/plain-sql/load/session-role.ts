import { decodedText } from '../lexer/decoded-text.ts'
import type { Statement } from '../lexer/pieces.ts'
import { TokenReader, tokensOf } from '../lexer/tokens.ts'

/** What `SET SESSION AUTHORIZATION` asks for, as the role that loads may do it: it is a member of every role of the dump. */
export interface SessionRole {
  /** Undefined for the role that loads. */
  readonly role: string | undefined
  readonly sql: Buffer
}

const SET = /^set\s+(?:session\s+|local\s+)?session\s+authorization\s+/i

export function sessionRoleOf(statement: Statement): SessionRole {
  const reader = new TokenReader(tokensOf(decodedText(statement)))
  const isSet = reader.skip('set')
  reader.skip('session')
  reader.skip('authorization')
  const token = isSet ? reader.next() : undefined
  if (token === undefined || (token.kind === 'word' && token.text === 'default'))
    return { role: undefined, sql: Buffer.from('reset role;') }
  // The name stays as its bytes: it is in the encoding of the dump.
  return { role: token.text, sql: Buffer.from(statement.text.toString('latin1').replace(SET, 'set role '), 'latin1') }
}
