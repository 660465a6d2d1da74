import type { Writable } from 'node:stream'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

/** What is used here of the driver's connection. */
interface Connection {
  readonly stream: { write(bytes: Buffer): boolean }
  sendCopyFail(reason: string): void
}

/** The protocol's simple query with the very bytes of the dump: they are in the session's client encoding, whatever that is. */
function message(text: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write('Q')
  head.writeUInt32BE(4 + text.length + 1, 1)
  return Buffer.concat([head, text, Buffer.alloc(1)])
}

/** Runs one statement and forgets what it returns. */
export function runRaw(client: pg.Client, text: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    // The driver calls these methods of every query that is submitted to it.
    client.query({
      submit: (connection: unknown) => void (connection as Connection).stream.write(message(text)),
      handleRowDescription: nothing,
      handleDataRow: nothing,
      handleCommandComplete: nothing,
      handleEmptyQuery: nothing,
      handlePortalSuspended: nothing,
      handleCopyData: nothing,
      handleCopyInResponse: (connection: Connection) => connection.sendCopyFail('no rows in the dump'),
      handleReadyForQuery: () => resolve(),
      handleError: reject,
    } as unknown as pg.Submittable)
  })
}

/** Starts a COPY … FROM STDIN; the rows are written to the stream. */
export function copyRaw(client: pg.Client, text: Buffer): Writable {
  const copy = copyFrom('')
  // Its own `submit` would send the text as UTF-8.
  const submit = (connection: Connection): void => {
    Object.assign(copy, { connection })
    connection.stream.write(message(text))
  }
  return client.query(Object.assign(copy, { submit }))
}

function nothing(): void {}
