import { describe, isFailure } from '../../core/failure.ts'
import type { Finding } from '../../core/restore-point.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'

/** What came of opening the newest point of an app in one repository. */
export interface Opened {
  readonly app: string
  readonly finding: Finding
  readonly reader: PointReader | undefined
}

const SUBJECT = 'private key'
const WORST_FIRST = ['error', 'warning', 'untested', 'ok'] as const

/**
 * Whether a private key of this host really opens what is in a repository, for each app that has a point there. Nobody is
 * asked for a password: what that would open is untested.
 */
export async function openNewest(
  target: AppRepository,
  apps: readonly App[],
  context: OperationContext,
): Promise<readonly Opened[]> {
  const opened: Opened[] = []
  const mine = apps.filter(({ repositories }) => repositories.some(({ name }) => name === target.name))
  for (const { name } of mine) {
    const tried = await tryNewest(target, name, context)
    if (tried !== undefined) opened.push({ app: name, ...tried })
  }
  return opened
}

/** A point of the app that was opened: what its backup found out about keys can be read. */
export function readerFor({ name }: App, opened: readonly Opened[]): PointReader | undefined {
  return opened.find(({ app, reader }) => app === name && reader !== undefined)?.reader
}

/** One for the host; each repository has its own. */
export function identityFinding(opened: readonly Opened[]): Finding {
  const all = opened.map(({ finding }) => finding)
  const [worst] = WORST_FIRST.flatMap((level) => all.find((one) => one.level === level) ?? [])
  return (
    worst ?? { level: 'untested', subject: SUBJECT, message: 'there is no restore point yet to try a private key on' }
  )
}

async function tryNewest(
  target: AppRepository,
  app: string,
  context: OperationContext,
): Promise<Omit<Opened, 'app'> | undefined> {
  const say = (level: Finding['level'], message: string, hint?: string): Omit<Opened, 'app'> => ({
    finding: { level, subject: SUBJECT, message, ...(hint === undefined ? {} : { hint }) },
    reader: undefined,
  })
  try {
    const repository = await target.open(context)
    const newest = (await repository.catalog(context)).points.findLast(({ commit }) => commit.app === app)
    if (newest === undefined) return undefined
    const identities = await (context.identitiesAtHand ?? context.identities)()
    if (identities === undefined)
      return say(
        'untested',
        `whether the password opens the restore points in ${target.name} was not tried: it would have to be asked for`,
        'Set HOLDFAST_PASSWORD for one run of holdfast check.',
      )
    const reader = await repository.open(newest.point, identities, context)
    return { ...say('ok', `opens the newest restore point of ${app} in ${target.name} (${newest.point})`), reader }
  } catch (error) {
    if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
    if (isFailure(error, 'usage'))
      return say(
        'untested',
        'none is configured on this host, so that this host cannot read its backups; drills here need one',
      )
    // A key that does not open may be that of somebody else; a point that is damaged is damaged for all.
    const level = isFailure(error, 'corrupt') ? 'error' : 'warning'
    return say(level, `the newest restore point of ${app} in ${target.name} is not opened: ${describe(error)}`)
  }
}
