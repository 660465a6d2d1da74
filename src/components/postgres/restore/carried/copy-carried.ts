import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { Failure } from '../../../../core/failure.ts'
import type { Bytes, Context } from '../../../../core/ports.ts'
import { copyOut } from '../../capture/copy-out.ts'
import { identifier } from '../../connection/connection.ts'
import { describeTable, firingTriggers, parentsFirst, requireSame, type PreservedTable } from '../staged/preserved.ts'
import { attempt, change } from '../target/database-target.ts'
import { inTransaction } from '../target/target-transaction.ts'
import { holdKeys } from './foreign-keys.ts'
import { matchTables, type CarriedTable } from './match-tables.ts'
import { makePartitions } from './partitions.ts'
import { orCannotCarry } from './refusal.ts'
import { bumpSequence, copySequence } from './sequences.ts'
import type { TableToCarry } from './tables-to-carry.ts'
import { refreshReaders } from './views.ts'

/** What goes from the live database into the restored one, and how. */
export interface CarryOrder {
  /** Tables that must be the same on both sides. */
  readonly preserve: readonly string[]
  readonly withoutRows: readonly TableToCarry[]
  /** Rows of `withoutRows` that refer to nothing are left out. */
  readonly leaveOut: boolean
  /** Milliseconds for one table. */
  readonly limit: number
}

interface Sessions {
  readonly live: pg.Client
  readonly side: pg.Client
}

type Table = PreservedTable | CarriedTable

/**
 * Replaces the rows of these tables in `side` by those in `live`, in one transaction. The live database must be locked for
 * writers. Fails with `refused` when a table does not fit, or the restored rows around it do not (foreign keys are checked as in any
 * session); then nothing was changed. Gives sentences for people.
 */
export async function copyCarried(sessions: Sessions, order: CarryOrder, context: Context): Promise<readonly string[]> {
  const { live, side } = sessions
  await attempt('begin reading preserved tables', () => live.query('begin isolation level repeatable read read only'))
  try {
    const found: Table[] = await matchTables(live, side, order.withoutRows)
    for (const table of order.preserve)
      found.push(requireSame(await describeTable(live, table, 'live'), await describeTable(side, table, 'restored')))
    if (found.length === 0) return []
    const ordered = await parentsFirst(side, found)
    const said: string[] = []
    await inTransaction(side, 'preserved tables', context, async () => {
      said.push(...(await replaceRows(sessions, ordered, order, context)))
    })
    return said
  } finally {
    // Without effect when the session is gone, and then there is nothing to end.
    await live.query('rollback').catch(() => {})
  }
}

async function replaceRows(
  sessions: Sessions,
  tables: readonly Table[],
  order: CarryOrder,
  context: Context,
): Promise<readonly string[]> {
  const { live, side } = sessions
  const carried = tables.filter((one) => 'isWithoutRows' in one)
  await attempt('set transaction read write', () => side.query('set transaction read write'))
  const triggers = await firingTriggers(side, tables)
  const silence = async (): Promise<void> => {
    for (const { off } of triggers) await change(side, 'DISABLE TRIGGER', off, context)
  }
  await silence()
  // All at once, since they may refer to each other; one that others refer to is an error here.
  await change(side, 'TRUNCATE preserved', `truncate ${tables.map(target).join(', ')}`, context)
  const made: string[] = []
  for (const one of carried) made.push(...(await makePartitions(live, side, one, context)))
  // A new partition begins with the triggers of its table, which fire.
  if (made.length > 0) await silence()
  const keys = carried.length === 0 ? undefined : await holdKeys(side, carried, order.leaveOut, context)
  const said: string[] = made.map((name) => `partition ${name} came after the point and was made again`)
  for (const table of tables) said.push(...(await copyTable(sessions, table, order.limit, context)))
  said.push(...((await keys?.settle()) ?? []))
  for (const { on } of triggers) await change(side, 'ENABLE TRIGGER', on, context)
  await copySequences(sessions, tables, context)
  if (carried.length > 0) said.push(...(await refreshReaders(side, carried, context)))
  return said
}

/** Without what inherits from it. */
function target({ name, isPartitioned }: Table): string {
  return isPartitioned ? name : `only ${name}`
}

async function copySequences({ live, side }: Sessions, tables: readonly Table[], context: Context): Promise<void> {
  const done = new Set<string>()
  for (const table of tables)
    for (const sequence of table.sequences) {
      if (done.has(sequence)) continue
      done.add(sequence)
      await ('isWithoutRows' in table ? bumpSequence : copySequence)(live, side, sequence, context)
    }
}

async function copyTable(
  sessions: Sessions,
  table: Table,
  limit: number,
  context: Context,
): Promise<readonly string[]> {
  const copy = (): Promise<bigint> =>
    context.effects.run(`sql COPY ${table.name}`, () => copyRows(sessions, table, limit, context))
  if (!('isWithoutRows' in table)) return copy().then(() => [])
  const rows = await orCannotCarry(table.name, copy)
  const lost = table.lost.length === 0 ? '' : `, without columns that the point does not have: ${table.lost.join(', ')}`
  return [`${rows} live rows of ${table.name} were carried over${lost}`]
}

/** Fails where not every row that the live table gave has come to be in the restored one. */
async function copyRows({ live, side }: Sessions, table: Table, limit: number, context: Context): Promise<bigint> {
  const columns = table.columns.map(({ name }) => identifier(name)).join(', ')
  // Of one table the statement is not planned, which would evaluate expressions of its indexes.
  const whole = table.source.startsWith('only ') && columns !== ''
  const from = whole ? `${table.source.slice('only '.length)} (${columns})` : `(select ${columns} from ${table.source})`
  let read = 0n
  const onRows = (rows: bigint): void => void (read = rows)
  const reader = ownChunks(copyOut(live, `copy ${from} to stdout`, { idleLimit: limit, subject: 'the server', onRows }))
  const writer = side.query(copyFrom(`copy ${table.name} (${columns}) from stdin`))
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(limit)])
  await attempt(`copy preserved table ${table.name}`, () => pipeline(reader, writer, { signal }))
  const written = BigInt(writer.rowCount)
  if (written === read) return read
  throw new Failure('corrupt', `${read} live rows of ${table.name} were read, and ${written} written`)
}

/** The writer keeps a chunk while it asks for the next, which would overwrite it. */
async function* ownChunks(chunks: Bytes): Bytes {
  for await (const chunk of chunks) yield Buffer.from(chunk)
}
