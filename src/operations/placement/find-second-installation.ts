import { secondWriter } from '../../core/safety/second-writer.ts'
import type { CatalogPoint } from '../../repository/repository.ts'
import type { App } from '../app.ts'
import { isImported } from '../import/remark.ts'
import { isSafetyPoint } from '../points/safety-remark.ts'

/** Old turns are of an installation that is gone. */
const INTERVALS = 10

/** That another installation backs up under the name of this app too: another signer, or of another server, in turns. */
export function findSecondInstallation(
  app: Pick<App, 'name' | 'intervalMilliseconds'>,
  points: readonly CatalogPoint[],
  now: number,
): string | undefined {
  const since = now - INTERVALS * app.intervalMilliseconds
  const recent = points
    .map(({ commit, signer }) => ({ commit, signer }))
    .filter(({ commit }) => commit.app === app.name && Date.parse(commit.created) >= since)
    // A restore on another host makes its safety point there, and an import may be of anywhere.
    .filter(({ commit }) => !isSafetyPoint(commit) && !isImported(commit))
  const signer = secondWriter(recent.map((one) => one.signer))
  if (signer !== undefined) return `two installations back up as ${app.name}, in turns: one signs as ${signer}`
  const named = new Set(recent.flatMap(({ commit }) => commit.servers?.map(({ component }) => component) ?? []))
  for (const component of named) {
    const servers = recent.flatMap(
      ({ commit }) => commit.servers?.flatMap((one) => (one.component === component ? one.server : [])) ?? [],
    )
    if (secondWriter(servers) !== undefined)
      return `component ${component} is backed up from two servers, in turns, as ${app.name}`
  }
  return undefined
}
