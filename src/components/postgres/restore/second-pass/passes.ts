import type { Context } from '../../../../core/ports.ts'
import type { Lane } from '../../capture/lanes.ts'
import type { LoadTarget } from '../load/load.ts'
import type { FailedEntries } from './entries/failed-entries.ts'
import { loadLanesAgain, type RefusedLanes } from './load-lanes-again.ts'
import type { SecondPass } from './pass.ts'
import { loadAgain } from './second-pass.ts'
import type { WayTaken } from './way.ts'

/** The second pass after each part of a load, and what all of them did. */
export interface SecondPasses {
  readonly taken: readonly WayTaken[]
  /** Told of lanes that the server refused. */
  readonly addLanes: (lanes: readonly Lane[], reason: string) => void
  afterTables(place: LoadTarget, context: Context): Promise<void>
  afterRows(place: LoadTarget, context: Context): Promise<void>
  afterIndexes(place: LoadTarget, context: Context): Promise<void>
  afterGrants(place: LoadTarget, context: Context): Promise<void>
}

/** Kinds that are made behind the rows, and can use an operator without naming it. */
const BEHIND_ROWS =
  /^(?:INDEX|CONSTRAINT|CHECK CONSTRAINT|FK CONSTRAINT|TRIGGER|RULE|POLICY|STATISTICS|MATERIALIZED VIEW DATA) /

export function secondPasses(pass: Omit<SecondPass, 'place'>, failed: FailedEntries): SecondPasses {
  const taken: WayTaken[] = []
  const refused: RefusedLanes[] = []
  const left = (isOfPart: (rest: string) => boolean): ReadonlyMap<number, string> => {
    const chosen = pass.lines.filter(({ id, rest }) => pass.withPath.has(id) && isOfPart(rest))
    return new Map([...failed.drain(), ...chosen.map(({ id }) => [id, ''] as const)])
  }
  const after = async (place: LoadTarget, isOfPart: (rest: string) => boolean, context: Context): Promise<void> =>
    void taken.push(...(await loadAgain({ ...pass, place }, left(isOfPart), taken, context)))
  return {
    taken,
    addLanes: (lanes, reason) => void refused.push({ lanes, reason }),
    afterTables: (place, context) => after(place, (rest) => !BEHIND_ROWS.test(rest), context),
    afterRows: async (place, context) => {
      await after(place, () => false, context)
      taken.push(...(await loadLanesAgain({ ...pass, place }, refused, context)))
    },
    afterIndexes: (place, context) => after(place, (rest) => BEHIND_ROWS.test(rest), context),
    afterGrants: (place, context) => after(place, () => false, context),
  }
}
