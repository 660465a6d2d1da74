import { none } from 'stream-chain/defs.js'
import { jsonParser, type Token } from 'stream-json/core/parser.js'
import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'

export type { Token } from 'stream-json/core/parser.js'

/** Larger pieces make so many tokens at once that memory more than doubles. */
const PIECE = 4096

/**
 * The tokens of one JSON text, in small lists. Strings, keys and numbers come in pieces as they stand: no number is
 * converted, and nothing grows with the length of a value. Fails with `corrupt` for what is not JSON in UTF-8.
 */
export async function* jsonTokens(source: Bytes, what: string): AsyncGenerator<readonly Token[], void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const parse = tokenizer(what)
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += PIECE)
      yield parse(decoded(decoder, chunk.subarray(start, start + PIECE), what))
  }
  yield parse(decoded(decoder, undefined, what))
  yield parse(none)
}

function tokenizer(what: string): (text: string | typeof none) => readonly Token[] {
  const parse = jsonParser({ packValues: false, streamValues: true })
  return (text) => {
    if (text === '') return []
    try {
      // Its type says Flushable, which is a function of this or `none`, the sign of the end.
      const made = (parse as (input: string | typeof none) => unknown)(text)
      return tokensOf(made)
    } catch {
      // The parser's message may quote the text, which is secret.
      throw new Failure('corrupt', `${what} is not JSON`)
    }
  }
}

/** The parser gives `none`, or its tokens as `values`. */
function tokensOf(made: unknown): readonly Token[] {
  if (typeof made !== 'object' || made === null || !('values' in made)) return []
  // Of its documented return type `Many<Token>`.
  return made.values as readonly Token[]
}

function decoded(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array | undefined, what: string): string {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
  } catch {
    throw new Failure('corrupt', `${what} is not UTF-8`)
  }
}
