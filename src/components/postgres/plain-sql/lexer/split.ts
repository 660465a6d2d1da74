import type { Bytes } from '../../../../core/ports.ts'
import { SqlLexer } from './lexer.ts'
import type { Piece } from './pieces.ts'

/** The pieces of a plain SQL text. Fails as the lexer does, and as `text` does. */
export async function* split(text: Bytes, limit?: number): AsyncGenerator<Piece> {
  const lexer = new SqlLexer(limit)
  for await (const chunk of text) {
    lexer.push(chunk)
    yield* piecesOf(lexer)
  }
  lexer.end()
  yield* piecesOf(lexer)
}

function* piecesOf(lexer: SqlLexer): Generator<Piece> {
  for (let piece = lexer.next(); piece !== undefined; piece = lexer.next()) yield piece
}
