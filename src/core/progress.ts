import type { Context, Progress } from './ports.ts'

/** How far a run came: the one event that a terminal, a log and a browser draw from. */
export interface Advance {
  readonly phase: string
  readonly component?: string
  /** What of it, for people. */
  readonly detail?: string
  /** Of what `detail` names, as far as it is counted. */
  readonly bytesDone?: number
  /** Undefined where nobody knows how many there will be. */
  readonly bytesExpected?: number
}

/** For what acts on one component and knows no name for it: all that it tells has this name. */
export function ofComponent<Given extends Pick<Context, 'progress'>>(context: Given, component: string): Given {
  const progress = (event: Progress): void =>
    context.progress(event.type === 'phase' || event.type === 'bytes' ? { component, ...event } : event)
  return { ...context, progress }
}

/** Puts together what parts of a run tell, each of what it knows: who counts bytes does not know the phase. */
export class ProgressTracker {
  #current: Advance = { phase: '' }

  /** Undefined for events that are no progress. */
  take(event: Progress): Advance | undefined {
    if (event.type === 'phase') {
      const { phase, component, detail } = event
      this.#current = {
        phase,
        ...(component === undefined ? {} : { component }),
        ...(detail === undefined ? {} : { detail }),
      }
      return this.#current
    }
    if (event.type !== 'bytes') return undefined
    const { subject, component, done, total } = event
    return {
      ...this.#current,
      ...(component === undefined ? {} : { component }),
      detail: subject,
      bytesDone: done,
      ...(total === undefined ? {} : { bytesExpected: total }),
    }
  }
}
