import { createHash } from 'node:crypto'
import { partsCache } from '../debian-packages.ts'

/** An address without a file: gone with the process that listens. One for each cache, which holds the engine's data. */
export const MEETING_POINT = `\0holdfast-test-docker-${createHash('sha256').update(partsCache).digest('hex').slice(0, 12)}`

/** What a test process is told, as one line of JSON. */
export interface RunningEngine {
  /** Path of the engine's socket. */
  readonly socket: string
  /** A process in the engine's network. */
  readonly pid: number
}
