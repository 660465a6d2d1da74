import { Failure, isFailure } from '../core/failure.ts'

/** The failures that every storage words alike, so that people and tests meet one sentence for one thing. */

export function blobExists(name: string, location: string): Failure {
  return new Failure('refused', `blob ${name} exists already in ${location}`, { facts: { blob: name, exists: true } })
}

/** Whether a put failed because the name is taken; a full medium is `refused` as well. */
export function isBlobExists(error: unknown): boolean {
  return isFailure(error, 'refused') && error.facts['exists'] === true
}

export function blobMissing(name: string, location: string, cause?: unknown): Failure {
  return new Failure('notFound', `blob ${name} is not in ${location}`, { facts: { blob: name }, cause })
}

export function blobShort(name: string, location: string, facts: { expected: number; found: number }): Failure {
  return new Failure('corrupt', `blob ${name} in ${location} ended after ${facts.found} of ${facts.expected} bytes`, {
    facts: { blob: name, ...facts },
  })
}

export function rangeOutside(name: string, location: string, size?: number): Failure {
  const length = size === undefined ? '' : `, which has ${size} bytes`
  return new Failure('corrupt', `blob ${name} in ${location}${length} is shorter than the range that was asked for`, {
    facts: { blob: name, ...(size === undefined ? {} : { size }) },
  })
}

export function cancelled(act: string, cause?: unknown): Failure {
  return new Failure('cancelled', `${act} was cancelled`, { cause })
}

export function assertNotCancelled(signal: AbortSignal, act: string): void {
  if (signal.aborted) throw cancelled(act)
}
