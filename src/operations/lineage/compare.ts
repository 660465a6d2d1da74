import { wentBack } from '../../core/safety/server-moment.ts'
import type { Commit, CommitServer } from '../../repository/documents/documents.ts'
import { isSafetyPoint } from '../points/safety-remark.ts'
import { acceptedRemark, openAlarm, wentBackRemark } from './remarks.ts'
import type { ServerNote } from './server-notes.ts'

export interface Lineage {
  readonly app: string
  readonly created: Date
  /** Of the point that is being made. */
  readonly servers: readonly CommitServer[]
  /** What this machine noted. */
  readonly notes: readonly ServerNote[]
  /** An operator says that the server is what it should be. */
  readonly accepted: boolean
}

/**
 * What the commit of a new point says of its servers, next to the commits that are in its repository, oldest first: that one
 * went back, or that this was accepted. Empty when each goes on from where it was.
 */
export function remarksOf(lineage: Lineage, commits: readonly Commit[]): readonly string[] {
  const mine = commits.filter(({ app }) => app === lineage.app)
  const found = lineage.servers.flatMap((server) => {
    const before = newestBefore(server.component, mine, lineage.notes)
    const how = before === undefined ? undefined : wentBack(before, server)
    if (before === undefined || how === undefined) return []
    return [wentBackRemark(server.component, before.at, lineage.created.getTime(), how)]
  })
  if (!lineage.accepted) return found
  const open = openAlarm(mine)
  return [...found, ...(open === undefined ? [] : [open.message])].map(acceptedRemark)
}

/** A safety point is of the place that a restore goes to, which may be any. */
function newestBefore(
  component: string,
  commits: readonly Commit[],
  notes: readonly ServerNote[],
): ServerNote | undefined {
  const said = commits
    .filter((commit) => !isSafetyPoint(commit))
    .flatMap(({ servers = [], created }) => servers.map((server) => ({ ...server, at: Date.parse(created) })))
  const known = [...said, ...notes].filter((one) => one.component === component)
  return known.reduce<ServerNote | undefined>((newest, one) => (newest && newest.at > one.at ? newest : one), undefined)
}
