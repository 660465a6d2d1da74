import { describe, isFailure } from '../core/failure.ts'
import type { FailureKind } from '../core/failure.ts'
import type { Clock } from '../core/ports.ts'
import type { Finding } from '../core/restore-point.ts'
import { randomHex } from '../system/random.ts'
import type { Storage } from './storage.ts'
import { collect } from './streams.ts'
import { findLarge } from './probe-large.ts'
import { findListing } from './probe-listing.ts'
import { tried } from './probe-tried.ts'
import type { Probe } from './probe-tried.ts'

/** Everything a probe writes lies under here and is removed again. */
const PROBE = 'probe/'
const MOST_SKEW = 5 * 60_000
const ONE = Buffer.from('the first writer')
const OTHER = Buffer.from('the other writer')

export interface ProbeReport {
  /** What to remember as the setting `createOnly`. */
  readonly createOnly: boolean
  readonly findings: readonly Finding[]
}

const APART = 'two writers of one name'
const lacks: readonly FailureKind[] = ['unsupported', 'corrupt']
/** Keys that can store may still lack a right. */
const lacksOrMayNot: readonly FailureKind[] = [...lacks, 'denied']

type Act = readonly [subject: string, find: (probe: Probe) => Promise<Finding>, answers: readonly FailureKind[]]

const acts: readonly Act[] = [
  [APART, findCreateOnly, lacks],
  ['storing and reading', findReading, lacks],
  ['reading a range', findRange, lacksOrMayNot],
  ['a missing blob', findMissing, lacksOrMayNot],
  ['a blob in parts', findLarge, lacksOrMayNot],
  ['listing a prefix', findListing, lacksOrMayNot],
  ['the clocks', findSkew, lacksOrMayNot],
  // Last: it removes what the others wrote.
  ['removing', findRemoval, lacksOrMayNot],
]

/**
 * Tries out on the real storage what Holdfast builds on: nothing is believed because of a server's name or version.
 * Takes about forty small requests, and
 * one blob that is stored in parts where there are parts (5 MiB on S3), and leaves nothing behind. Fails when the storage cannot be reached or written;
 * what it does wrong is a finding. Storage with a sentinel must have it by now.
 */
export async function probeStorage(storage: Storage, clock: Clock, signal: AbortSignal): Promise<ProbeReport> {
  const probe: Probe = { storage, clock, signal, folder: `${PROBE}${randomHex(8)}` }
  const findings: Finding[] = []
  for (const [subject, find, answers] of acts) findings.push(await tried(subject, answers, () => find(probe)))
  const createOnly = findings.some(({ subject, level }) => subject === APART && level === 'ok')
  return { createOnly, findings }
}

/** Whether a second writer of a name is refused, one after the other. Removes what it wrote. */
export async function provesCreateOnly(storage: Storage, signal: AbortSignal): Promise<boolean> {
  const name = `${PROBE}${randomHex(8)}`
  try {
    const proven = (await refuses(storage, name, signal)) && ONE.equals(await collect(await storage.get(name, signal)))
    await storage.remove(name, signal).catch(unlessDenied)
    return proven
  } catch (error) {
    // What went wrong first says more; where nothing answers, nothing can be removed either, and trying takes as long again.
    if (!isFailure(error, 'unreachable')) await storage.remove(name, signal).catch(() => undefined)
    throw error
  }
}

/**
 * Keys that may not remove are good practice for machines that only back up, and some servers have no removal; the few
 * bytes then stay.
 */
function unlessDenied(error: unknown): void {
  if (!isFailure(error, 'denied') && !isFailure(error, 'unsupported')) throw error
}

async function refuses(storage: Storage, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await storage.put(name, ONE, signal)
    await storage.put(name, OTHER, signal)
    return false
  } catch (error) {
    if (isFailure(error, 'refused')) return true
    if (isFailure(error, 'unsupported')) return false
    throw error
  }
}

async function findCreateOnly(probe: Probe): Promise<Finding> {
  const subject = APART
  const { storage, signal } = probe
  if (!storage.features.createOnly || !(await provesCreateOnly(storage, signal)) || !(await keepsRaceApart(probe))) {
    return {
      level: 'warning',
      subject,
      message: 'the storage does not keep two writers of one name apart',
      hint: 'Let only one machine write to this repository at a time, or use storage that refuses a name that is taken.',
    }
  }
  return { level: 'ok', subject, message: 'the second is refused' }
}

/** Two writers at once: exactly one may succeed, and its bytes must be what is there. */
async function keepsRaceApart({ storage, signal, folder }: Probe): Promise<boolean> {
  const bodies = [ONE, OTHER]
  const puts = await Promise.allSettled(bodies.map((body) => storage.put(`${folder}/race`, body, signal)))
  const winners = bodies.filter((_, index) => puts[index]?.status === 'fulfilled')
  const [winner] = winners
  if (winner === undefined || winners.length !== 1) return false
  return winner.equals(await collect(await storage.get(`${folder}/race`, signal)))
}

async function findReading({ storage, signal, folder }: Probe): Promise<Finding> {
  const subject = 'storing and reading'
  await storage.put(`${folder}/whole`, ONE, signal)
  const found = await collect(await storage.get(`${folder}/whole`, signal))
  if (found.equals(ONE)) return { level: 'ok', subject, message: 'gives what was stored' }
  return { level: 'error', subject, message: `gave ${found.length} bytes in place of ${ONE.length} that were stored` }
}

async function findRange({ storage, signal, folder }: Probe): Promise<Finding> {
  const subject = 'reading a range'
  await storage.put(`${folder}/range`, ONE, signal)
  const found = await collect(await storage.get(`${folder}/range`, signal, { offset: 4, length: 5 }))
  if (found.equals(ONE.subarray(4, 9))) return { level: 'ok', subject, message: 'gives the bytes that were asked for' }
  return { level: 'error', subject, message: `gave ${found.length} other bytes than the 5 that were asked for` }
}

async function findMissing({ storage, signal, folder }: Probe): Promise<Finding> {
  const subject = 'a missing blob'
  try {
    await storage.stat(`${folder}/missing`, signal)
    return { level: 'error', subject, message: 'the storage tells of a blob that was never stored' }
  } catch (error) {
    if (isFailure(error, 'notFound')) return { level: 'ok', subject, message: 'is reported as missing' }
    if (!isFailure(error, 'denied')) throw error
    return {
      level: 'error',
      subject,
      message: `is not reported as missing: ${describe(error)}`,
      hint: error.hint ?? 'Give the keys the right to list. Without it a missing blob looks like a forbidden one.',
    }
  }
}

async function findSkew({ storage, signal, clock }: Probe): Promise<Finding> {
  const subject = 'the clocks'
  const skew = (await storage.now(signal)).getTime() - clock.now().getTime()
  const seconds = Math.round(Math.abs(skew) / 1000)
  if (Math.abs(skew) <= MOST_SKEW)
    return { level: 'ok', subject, message: `of this machine and of the storage differ by ${seconds} s` }
  return {
    level: 'warning',
    subject,
    message: `the storage is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} this machine`,
    hint: 'Set both clocks (NTP). Nothing is pruned while they disagree.',
  }
}

/** Removes what the probe wrote, and finds out on the way whether these keys may remove. */
async function findRemoval({ storage, signal, folder }: Probe): Promise<Finding> {
  const subject = 'removing'
  const names: string[] = []
  for await (const blob of storage.list(`${folder}/`, signal)) names.push(blob.name)
  try {
    for (const name of names) await storage.remove(name, signal)
    return { level: 'ok', subject, message: 'is allowed' }
  } catch (error) {
    unlessDenied(error)
    const [message, hint] = isFailure(error, 'denied')
      ? ['is not allowed', 'Prune with other keys.']
      : [
          'is not offered',
          'Backups work, and nothing can be pruned: the bucket only grows. Use storage that can remove.',
        ]
    return {
      level: 'warning',
      subject,
      message: `${message}, so ${names.length} small blobs stay under ${folder}`,
      hint,
    }
  }
}
