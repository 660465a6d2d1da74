import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { freeBytes } from '../../core/free-bytes.ts'
import type { Bytes, Context } from '../../core/ports.ts'
import type { ArtifactSource } from '../driver.ts'
import { allOrNone } from './all-or-none.ts'
import { withSession } from './connection.ts'
import { feed } from './feed.ts'
import { copyIn, tableOf, type Lane } from './lanes.ts'
import type { LoadPlace } from './load.ts'
import { applySettings } from './restore/session-settings.ts'
import { attempt } from './target-place.ts'

/**
 * Loads the rows of all lanes, several at once; each lane is one statement, so it is there whole or not at all. Their tables
 * must exist without indexes, constraints and triggers.
 */
export async function loadLanes(
  place: LoadPlace,
  lanes: { readonly all: readonly Lane[]; readonly encoding: string },
  source: ArtifactSource,
  context: Context,
): Promise<void> {
  const waiting = [...lanes.all]
  const work = async (inner: Context): Promise<void> =>
    withSession(place.server, place.database, inner, async (session) => {
      await applySettings(session, place.settings ?? {})
      for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift())
        await loadLane(session, lane, lanes.encoding, source, inner)
    })
  await allOrNone(
    context,
    Array.from({ length: Math.min(place.jobs, waiting.length) }, () => work),
  )
}

async function loadLane(
  session: pg.Client,
  lane: Lane,
  encoding: string,
  source: ArtifactSource,
  context: Context,
): Promise<void> {
  const copy = (input: Bytes): Promise<void> =>
    attempt(`load rows of ${tableOf(lane)}`, () =>
      pipeline(input, giveBack, session.query(copyFrom(copyIn(lane, encoding))), { signal: context.signal }),
    )
  // An error of the artifact reaches the server as a failed COPY, which leaves no row behind, and is thrown as it is.
  await context.effects.run(`sql COPY ${lane.role}`, () => feed(source.read(lane.role), copy))
}

/** Larger than what a stream takes without asking its writer to wait until it is sent. */
const WAITED_FOR = 256 * 1024

/** When the next chunk is asked for, the one before is on its way and its memory can be used again. */
async function* giveBack(chunks: Bytes): Bytes {
  for await (const chunk of chunks) {
    yield chunk
    if (chunk.length >= WAITED_FOR) freeBytes(chunk)
  }
}
