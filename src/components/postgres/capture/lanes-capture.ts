import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { ArtifactSink } from '../../transfer.ts'
import { allOrNone } from '../fingerprint/all-or-none.ts'
import { copyOut } from './copy-out.ts'
import { copyOutOf, tableOf, type LaneSource } from './lanes.ts'
import { query, sqlFailure } from '../connection/query.ts'
import type { ToolLimits } from '../tools/tool-run.ts'

/** The kind of a lane's artifact, in docs/reference/format.md: rows as COPY writes them. */

export interface LaneCapture {
  /** Of one snapshot; each takes the next lane when it is done with one. */
  readonly sessions: readonly pg.Client[]
  readonly lanes: readonly LaneSource[]
  readonly encoding: string
  readonly limits: ToolLimits
  /** Told how many rows the server says that a lane had. */
  readonly onRows?: (lane: LaneSource, rows: bigint) => void
}

/**
 * Locks the tables of all lanes against being dropped or rewritten: a table that is truncated or rewritten after the
 * snapshot was taken would look empty to a session that comes later.
 */
export async function lockLanes(session: pg.ClientBase, lanes: readonly LaneSource[]): Promise<void> {
  for (const table of new Set(lanes.map(tableOf)))
    await query(session, z.unknown(), `lock table only ${table} in access share mode`)
}

/**
 * Copies every lane into an artifact of its own, over all sessions at once. When one fails the others end before this
 * does: what is still being stored then would be stored behind the back of whoever removes the point that failed.
 */
export async function captureLanes(capture: LaneCapture, sink: ArtifactSink, context: Context): Promise<void> {
  const waiting = [...capture.lanes]
  const copyThrough = (session: pg.Client) => async (inner: Context) => {
    for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift()) {
      inner.signal.throwIfAborted()
      await sink.write(lane.role, 'copy-rows', untilAborted(rowsOf(session, lane, capture), inner.signal))
    }
  }
  await allOrNone(context, capture.sessions.map(copyThrough))
}

async function* untilAborted(bytes: Bytes, signal: AbortSignal): Bytes {
  for await (const chunk of bytes) {
    signal.throwIfAborted()
    yield chunk
  }
}

/** Several lanes are read at once, so each says which it was. */
function ofLane(lane: LaneSource, { kind, message, hint, facts, cause }: Failure): Failure {
  const details = { facts, cause, ...(hint === undefined ? {} : { hint }) }
  return new Failure(kind, `reading ${tableOf(lane)}: ${message}`, details)
}

/** The rows of a lane. Ends only when the server said that they are all there. */
async function* rowsOf(session: pg.Client, lane: LaneSource, { encoding, limits, onRows }: LaneCapture): Bytes {
  const count = (rows: bigint): void => onRows?.(lane, rows)
  const options = { idleLimit: limits.idleLimit, subject: 'the server', onRows: count }
  try {
    yield* copyOut(session, copyOutOf(lane, encoding), options)
  } catch (error) {
    throw ofLane(lane, sqlFailure(error, session.database))
  }
}
