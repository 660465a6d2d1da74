import type { Writable } from 'node:stream'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

/** What is used here of the driver's connection. */
interface Connection {
  readonly stream: { write(bytes: Buffer): boolean }
  sendCopyFail(reason: string): void
}

/** What a statement gave: its command tag, and the first value of the last row. */
export interface Answer {
  readonly tag: string
  readonly value: string | null
}

/** A message of the protocol: its letter, its length, its parts. */
function message(letter: string, ...parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(5)
  head.write(letter)
  head.writeUInt32BE(4 + parts.reduce((sum, { length }) => sum + length, 0), 1)
  return Buffer.concat([head, ...parts])
}

/** Ends a text, is an empty one, and half of a number that is none. */
const ZERO = Buffer.alloc(1)
const NO_NUMBER = Buffer.alloc(2)

/** The very bytes of the dump: they are in the session's client encoding, whatever that is. */
function simpleQuery(sql: Buffer): Buffer {
  return message('Q', sql, ZERO)
}

/** Runs what the bytes say. */
export function runRaw(client: pg.Client, sql: Buffer): Promise<Answer> {
  return submit(client, simpleQuery(sql))
}

/** Runs exactly one statement: the server itself refuses bytes that hold more. */
export function runSingle(client: pg.Client, sql: Buffer): Promise<Answer> {
  const parse = message('P', ZERO, sql, ZERO, NO_NUMBER)
  const bind = message('B', ZERO, ZERO, NO_NUMBER, NO_NUMBER, NO_NUMBER)
  const execute = message('E', ZERO, Buffer.alloc(4))
  return submit(client, Buffer.concat([parse, bind, execute, message('S')]))
}

function submit(client: pg.Client, bytes: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let tag = ''
    let value: string | null = null
    // The driver calls these methods of every query that is submitted to it.
    client.query({
      submit: (connection: unknown) => void (connection as Connection).stream.write(bytes),
      handleRowDescription: nothing,
      handleDataRow: ({ fields }: { readonly fields: readonly (string | null)[] }) => void (value = fields[0] ?? null),
      handleCommandComplete: (complete: { readonly text: string }) => void (tag = complete.text),
      handleEmptyQuery: nothing,
      handlePortalSuspended: nothing,
      handleCopyData: nothing,
      handleCopyInResponse: (connection: Connection) => connection.sendCopyFail('no rows in the dump'),
      handleReadyForQuery: () => resolve({ tag, value }),
      handleError: reject,
    } as unknown as pg.Submittable)
  })
}

/** A COPY … FROM STDIN that runs; the rows are written to it. `rowCount` is known when it has finished. */
export type RawCopy = Writable & { readonly rowCount: number }

export function copyRaw(client: pg.Client, sql: Buffer): RawCopy {
  const copy = copyFrom('')
  // Its own `submit` would send the text as UTF-8.
  const send = (connection: Connection): void => {
    Object.assign(copy, { connection })
    connection.stream.write(simpleQuery(sql))
  }
  return client.query(Object.assign(copy, { submit: send }))
}

function nothing(): void {}
