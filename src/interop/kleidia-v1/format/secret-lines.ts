import { createReadStream } from 'node:fs'
import { Failure } from '../../../core/failure.ts'
import { Secret } from '../../../core/secret.ts'

/**
 * One secret of `secrets.jsonl`. Its object stays text to the end, so that every digit and the order of keys survive:
 * put it behind `{"data":` and it is the body of a KV v2 write.
 */
export interface KeptSecret {
  readonly path: string
  readonly json: Secret
}

const START = '{"path":'
const MIDDLE = ',"data":'

/** One line of `secrets.jsonl`, itself a JSON object. `json` must be the text of an object without line breaks. */
export function secretLine(path: string, json: string): string {
  return `${START}${JSON.stringify(path)}${MIDDLE}${json}}\n`
}

/** Reads `secrets.jsonl` again, one line in memory. */
export async function* readSecretLines(path: string, signal: AbortSignal): AsyncIterable<KeptSecret> {
  let number = 0
  for await (const line of linesOf(path, signal)) {
    number += 1
    yield parsedLine(line, `line ${number} of ${path}`)
  }
}

/** Not node:readline, which also ends a line at U+2028, and that may stand within a JSON string. */
async function* linesOf(path: string, signal: AbortSignal): AsyncIterable<string> {
  let begun: string[] = []
  // A stream with an encoding gives text.
  for await (const chunk of createReadStream(path, { encoding: 'utf8', signal }) as AsyncIterable<string>) {
    const [rest = '', ...ended] = chunk.split('\n').toReversed()
    for (const line of ended.toReversed()) {
      yield begun.join('') + line
      begun = []
    }
    begun.push(rest)
  }
  if (begun.some((piece) => piece !== '')) throw new Failure('corrupt', `${path} is cut off in its last line`)
}

/** A path ends at the first quote without a backslash; what is behind it is taken as it stands. */
const lines = /^\{"path":("(?:[^"\\]|\\.)*"),"data":(\{.*\})\}$/s

function parsedLine(line: string, what: string): KeptSecret {
  const [, path, json] = lines.exec(line) ?? []
  if (path === undefined || json === undefined) throw new Failure('corrupt', `${what} is no secret of a Kleidia backup`)
  // The pattern matched a JSON string.
  return { path: String(JSON.parse(path)), json: new Secret(json) }
}
