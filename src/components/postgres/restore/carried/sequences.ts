import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../../core/ports.ts'
import { literal } from '../../connection/connection.ts'
import { queryOne } from '../../connection/query.ts'
import { change } from '../target/database-target.ts'

/** Positions of sequences are outside transactions; a repeated copy sets them again. */
export async function copySequence(
  live: pg.Client,
  side: pg.Client,
  sequence: string,
  context: Context,
): Promise<void> {
  await setPosition(side, sequence, await positionOf(live, sequence), context)
}

/** Sets the position that is further on: a sequence may fill a restored table, too, and no value of either is to come again. */
export async function bumpSequence(
  live: pg.Client,
  side: pg.Client,
  sequence: string,
  context: Context,
): Promise<void> {
  const [from, to] = [await positionOf(live, sequence), await positionOf(side, sequence)]
  const ahead = (BigInt(from.last) - BigInt(to.last)) * BigInt(Math.sign(from.step))
  if (ahead > 0n || (ahead === 0n && from.called && !to.called)) await setPosition(side, sequence, from, context)
}

const position = z.object({ last: z.string(), called: z.boolean(), step: z.coerce.number() })
type Position = z.infer<typeof position>

function positionOf(session: pg.Client, sequence: string): Promise<Position> {
  return queryOne(
    session,
    position,
    `select last_value::text as last, is_called as called, (select seqincrement::text from pg_sequence where seqrelid = ${literal(sequence)}::regclass) as step from ${sequence}`,
  )
}

function setPosition(side: pg.Client, sequence: string, { last, called }: Position, context: Context): Promise<void> {
  return change(
    side,
    `setval ${sequence}`,
    `select setval(${literal(sequence)}::regclass, ${literal(last)}::bigint, ${called})`,
    context,
  )
}
