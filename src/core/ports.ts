/**
 * What the rules and operations need from the world. `system/` implements these; tests give their own.
 */

/** A stream of bytes. A producer that did not finish well throws at the end, instead of ending. */
export type Bytes = AsyncIterable<Uint8Array>

export interface Clock {
  now(): Date
  /** Milliseconds that never go back and do not jump with the wall clock; for durations only. */
  monotonic(): number
  /** Rejects with a `cancelled` failure when the signal fires first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

/**
 * Every change to the world outside this process goes through here under a stable name such as `put points/…` or
 * `sql ALTER DATABASE …`, so that a test can list the effects of a run and let the process die before, after, or
 * between an effect and its acknowledgement. In production `run` just calls `act`.
 */
export interface Effects {
  run<Result>(name: string, act: () => Promise<Result>): Promise<Result>
}

/** Something that happened, for progress and logs. Never holds a secret. */
export type Progress =
  | { readonly type: 'phase'; readonly phase: string; readonly component?: string; readonly detail?: string }
  | {
      readonly type: 'bytes'
      readonly component?: string
      readonly subject: string
      readonly done: number
      readonly total?: number
    }
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'warning'; readonly message: string }

/** What every long act is given. */
export interface Context {
  readonly clock: Clock
  readonly effects: Effects
  readonly signal: AbortSignal
  readonly progress: (event: Progress) => void
}

/**
 * Small named values that survive this process, for example the journal of a restore. `save` is durable and atomic:
 * after a crash the old or the new value is there, whole.
 */
export interface Records {
  save(name: string, value: unknown): Promise<void>
  /** Undefined when there is none. Fails with `corrupt` when it is there and cannot be read. */
  load(name: string): Promise<unknown>
  /** All names, sorted. */
  list(): Promise<readonly string[]>
  remove(name: string): Promise<void>
}
