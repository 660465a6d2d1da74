import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import { randomHex } from '../../system/random.ts'
import type { OperationContext } from '../app.ts'

/**
 * That an operation is between its look at the records of an app and what it writes to them. Each has a file of its own and never
 * takes that of another over: who dies leaves one that everybody may remove.
 */
const claim = z.object({ format: z.literal(1), app: z.string(), owner: z.string() })

const PREFIX = 'lock-'
/** Who holds it asks the platform what runs, which may take a minute of patience. */
const LIMIT_MILLISECONDS = 150_000
/** Who cannot be seen from here and holds it for that long is dead. */
const EXPIRY_MILLISECONDS = 120_000
const LOOK_MILLISECONDS = 50

/**
 * Runs `act` while no other operation, of this or another process, is within a lock of the app. A process that died blocks nobody.
 * Fails with `locked` where another holds it all the time.
 */
export async function withAppLock<Result>(
  app: string,
  context: OperationContext,
  act: () => Promise<Result>,
): Promise<Result> {
  const mine = `${PREFIX}${app}-${randomHex(4)}`
  try {
    await enter(app, mine, context)
    return await act()
  } finally {
    await removeForCertain(mine, context)
  }
}

/**
 * First the own file is written, then those of others are looked for: of two, one at least sees the other. The one whose name is
 * later steps back, so that the other gets in.
 */
async function enter(app: string, mine: string, context: OperationContext): Promise<void> {
  const { clock, processes, records, signal } = context
  const owner = await processes.self()
  const seen = new Map<string, number>()
  const end = clock.monotonic() + LIMIT_MILLISECONDS
  for (let isWritten = false; ;) {
    if (!isWritten) await records.save(mine, { format: 1, app, owner })
    const others = await othersIn(app, mine, seen, context)
    if (others.length === 0) return
    isWritten = others.every((name) => name > mine)
    if (!isWritten) await records.remove(mine)
    if (clock.monotonic() > end) throw heldByOther(app)
    await clock.sleep(LOOK_MILLISECONDS, signal)
  }
}

/** Those of others who are alive. What the dead left is removed. */
async function othersIn(
  app: string,
  mine: string,
  seen: Map<string, number>,
  context: OperationContext,
): Promise<readonly string[]> {
  const alive: string[] = []
  for (const name of await context.records.list()) {
    if (name === mine || !name.startsWith(`${PREFIX}${app}-`)) continue
    const found = claim.safeParse(await context.records.load(name))
    // Another app's name may begin with this one's; what ended meanwhile is not there.
    if (!found.success || found.data.app !== app) continue
    if (await isAlive(name, found.data.owner, seen, context)) alive.push(name)
    else await context.records.remove(name)
  }
  return alive
}

async function isAlive(
  name: string,
  owner: string,
  seen: Map<string, number>,
  { clock, processes }: OperationContext,
): Promise<boolean> {
  // One operation holds one lock at a time: this one is what a removal that failed left.
  if (owner === (await processes.self())) return false
  if (await processes.isVisible(owner)) return await processes.isRunning(owner)
  const since = seen.get(name) ?? clock.monotonic()
  seen.set(name, since)
  return clock.monotonic() - since < EXPIRY_MILLISECONDS
}

/** A removal whose answer was lost is one. */
export async function removeForCertain(name: string, { records }: OperationContext): Promise<void> {
  try {
    await records.remove(name)
  } catch (error) {
    const left = await records.load(name).catch(() => true)
    if (left !== undefined) throw error
  }
}

function heldByOther(app: string): Failure {
  return new Failure('locked', `another operation is about to stop or start app ${app}, for minutes already`, {
    hint: 'Wait until it has ended, or end it; then run this again.',
  })
}
