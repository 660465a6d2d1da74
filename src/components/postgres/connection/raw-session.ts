import type pg from 'pg'
import { Failure } from '../../../core/failure.ts'
import { hasStandIn, toBytes, toCharacters } from './raw-bytes.ts'

/** Lets a session of a database in SQL_ASCII have names in any bytes, as `raw-bytes.ts` writes them. Nothing is converted by the server then. */
export async function carryRawBytes(session: pg.Client): Promise<void> {
  const installed = Promise.withResolvers<void>()
  session.query({
    submit(connection: pg.Connection) {
      readRows(connection)
      writeStatements(connection)
      connection.query(`set client_encoding = 'SQL_ASCII'`)
    },
    handleCommandComplete: () => {},
    handleError: installed.reject,
    handleReadyForQuery: () => installed.resolve(),
  })
  return installed.promise
}

/** Stands in front of the driver's own reader. A COPY, which stands in front of both, is not touched. */
function readRows({ stream }: pg.Connection): void {
  const [driver, ...others] = stream.listeners('data')
  if (driver === undefined || others.length > 0) throw new Failure('bug', 'the driver reads its connection otherwise')
  const messages = new Messages()
  stream.off('data', driver as (chunk: Buffer) => void)
  stream.on('data', (chunk: Buffer) => void driver(messages.feed(chunk)))
}

const HEADER = 5
const DATA_ROW = 0x44

/** Gives whole messages (https://www.postgresql.org/docs/current/protocol-message-formats.html), with rows as UTF-8. */
class Messages {
  #held = Buffer.alloc(0)

  feed(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.#held, chunk])
    const whole: Buffer[] = []
    let at = 0
    while (bytes.length - at >= HEADER) {
      const end = at + 1 + bytes.readUInt32BE(at + 1)
      if (end > bytes.length) break
      const message = bytes.subarray(at, end)
      whole.push(message[0] === DATA_ROW ? rowOf(message) : message)
      at = end
    }
    this.#held = bytes.subarray(at)
    return Buffer.concat(whole)
  }
}

function rowOf(message: Buffer): Buffer {
  const count = message.readUInt16BE(HEADER)
  return framed(DATA_ROW, [
    message.subarray(HEADER, HEADER + 2),
    ...valuesOf(message, HEADER + 2, count, toCharacters).parts,
  ])
}

/** `count` values with their lengths before them, each changed; -1 is the length of NULL. */
function valuesOf(message: Buffer, from: number, count: number, change: (value: Uint8Array) => Buffer) {
  const parts: Buffer[] = []
  let at = from
  for (let left = count; left > 0; left--) {
    const length = message.readInt32BE(at)
    const value = length < 0 ? undefined : change(message.subarray(at + 4, at + 4 + length))
    parts.push(int32(value?.length ?? -1), ...(value === undefined ? [] : [value]))
    at += 4 + Math.max(0, length)
  }
  return { parts, end: at }
}

function int32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(number)
  return bytes
}

function framed(type: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(type), int32(body.length + 4), body])
}

const QUERY = 0x51
const PARSE = 0x50
const BIND = 0x42

/** All that the driver itself sends goes through `_send`, a message at a time; rows of a COPY do not. */
function writeStatements(connection: pg.Connection): void {
  // Not in the types of the driver, and looked for here.
  const sender = connection as unknown as { _send?: (message: Buffer) => boolean }
  const send = sender._send?.bind(connection)
  if (send === undefined) throw new Failure('bug', 'the driver writes its connection otherwise')
  sender._send = (message) => send(rawMessage(message))
}

function rawMessage(message: Buffer): Buffer {
  const [type = 0] = message
  if (!hasStandIn(message)) return message
  // The names of types that Parse may have after its text are never given here.
  if (type === QUERY || type === PARSE) return framed(type, [toBytes(message.subarray(HEADER))])
  return type === BIND ? boundOf(message) : message
}

function boundOf(message: Buffer): Buffer {
  const portal = message.indexOf(0, HEADER)
  const formats = message.indexOf(0, portal + 1) + 1
  const count = formats + 2 + 2 * message.readUInt16BE(formats)
  const { parts, end } = valuesOf(message, count + 2, message.readUInt16BE(count), toBytes)
  return framed(BIND, [message.subarray(HEADER, count + 2), ...parts, message.subarray(end)])
}
