import { z } from 'zod'
import { acceptOptions, DAMAGED_POINT } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { Catalog } from '../../repository/repository.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
import { noteOf } from '../backup/note.ts'
import { candidatesOf } from '../prune/candidate.ts'
import { guardsOf, type Guard } from './guards.ts'

export interface RemoveRequest {
  /** An id, or its start. */
  readonly id: string
  /** Only in this repository; in all that have the point by default. */
  readonly repository?: string | undefined
  /** Frees the space at once, and nothing brings the point back. */
  readonly now: boolean
  readonly accepted: readonly string[]
}

/** What a removal is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const removeOrder = z.object({
  point: z.string(),
  /** Frees the space at once, and nothing brings the point back. */
  now: z.boolean(),
  repositories: z.array(z.object({ name: z.string(), state: z.enum(['listed', 'removed', 'damaged']) })).readonly(),
  /** Ids of refusals that the operator accepted. */
  accepted: z.array(z.string()).readonly(),
})
export type RemoveOrder = Readonly<z.infer<typeof removeOrder>>

/** An order, and what people should know before it runs. */
export interface RemovePlan extends RemoveOrder {
  readonly note?: string
  /** What the operator types. */
  readonly confirmation: string
}

export interface RemovePlace {
  readonly name: string
  /** What is there of it: `removed` before and within its time of grace, or `damaged`: its commit cannot be read. */
  readonly state: 'listed' | 'removed' | 'damaged'
}

/** Decides where a point is removed; changes nothing. Fails with `refused` when it is protected. */
export async function planRemove(
  apps: readonly App[],
  request: RemoveRequest,
  context: OperationContext,
): Promise<RemovePlan> {
  assertId(request.id)
  const repositories: RemovePlace[] = []
  const points = new Set<string>()
  let note: string | undefined
  for (const target of targetsOf(apps, request.repository)) {
    const catalog = await (await target.open(context)).catalog(context)
    const found = findIn(catalog, request)
    if (found === undefined) continue
    points.add(found.point)
    note ??= found.note
    refuseProtected(found, { apps, catalog, repository: target.name }, request)
    repositories.push({ name: target.name, state: found.state })
  }
  const [point, another] = points
  if (point === undefined) throw new Failure('notFound', `no repository has a restore point ${request.id} to remove`)
  if (another !== undefined) throw ambiguous(request.id)
  const { now, accepted } = request
  return { point, ...noteOf({ note }), now, accepted, repositories, confirmation: point.slice(0, 8) }
}

/** Each repository once, although several apps may share it. */
export function targetsOf(apps: readonly App[], name: string | undefined): readonly AppRepository[] {
  const targets = new Map(apps.flatMap(({ repositories }) => repositories.map((one) => [one.name, one] as const)))
  const wanted = [...targets.values()].filter((target) => name === undefined || target.name === name)
  if (wanted.length > 0) return wanted
  throw new Failure('notFound', `no repository ${JSON.stringify(name)} in the configuration`, {
    hint: `There is: ${[...targets.keys()].join(', ')}.`,
  })
}

interface Found {
  readonly point: string
  readonly note?: string
  readonly state: RemovePlace['state']
}

function findIn(catalog: Catalog, { id, now }: RemoveRequest): Found | undefined {
  const damaged = catalog.damaged.map(({ point }): Found => ({ point, state: 'damaged' }))
  const listed = catalog.points.map(({ point, commit }): Found => ({ point, ...noteOf(commit), state: 'listed' }))
  const removed = now ? catalog.removed.map(({ point }): Found => ({ point, state: 'removed' })) : []
  // A commit that can be read says what the point is, however damaged its data: it is removed, and held, like any other.
  const found = [...listed, ...damaged, ...removed].filter(({ point }) => point.startsWith(id))
  if (new Set(found.map(({ point }) => point)).size > 1) throw ambiguous(id)
  return found[0]
}

function refuseProtected(
  { point, state }: Found,
  {
    apps,
    catalog,
    repository,
  }: { readonly apps: readonly App[]; readonly catalog: Catalog; readonly repository: string },
  { now, accepted }: RemoveRequest,
): void {
  const guards =
    state === 'damaged' ? [unreadable(point)] : state === 'listed' ? protectionOf(point, apps, catalog) : []
  const left = guards.filter(({ accept }) => accept === undefined || !accepted.includes(accept))
  if (left.length === 0) return
  const ids = left.flatMap(({ accept }) => accept ?? [])
  const never = left.some(({ accept }) => accept === undefined)
  const command = `holdfast remove ${point}${now ? ' --now' : ''} ${acceptOptions([...accepted, ...ids])}`
  throw new Failure(
    'refused',
    `restore point ${point} in ${repository}: ${left.map(({ message }) => message).join('; ')}`,
    {
      hint: never ? `Release it first, with holdfast release ${point}.` : `To remove it nevertheless: ${command}.`,
      facts: never ? {} : { accept: ids.join(' ') },
    },
  )
}

function unreadable(point: string): Guard {
  return {
    message: 'it cannot be read or trusted, and may be whole in a copy of the repository',
    accept: `${DAMAGED_POINT}${point}`,
  }
}

function protectionOf(point: string, apps: readonly App[], catalog: Catalog): readonly Guard[] {
  const found = catalog.points.find((one) => one.point === point)
  if (found === undefined) return []
  const siblings = catalog.points.filter(({ commit }) => commit.app === found.commit.app)
  const candidates = candidatesOf(siblings, { lost: notReliedOn(point, catalog) })
  const one = candidates.find((candidate) => candidate.point === point)
  const minimum = apps.find(({ name }) => name === found.commit.app)?.retention.minimum ?? 1
  return one === undefined ? [] : guardsOf(one, candidates, minimum)
}

/** What cannot be read now may be whole: such a point protects no other, and is itself protected as if it were. */
function notReliedOn(point: string, { damaged }: Catalog): readonly string[] {
  return damaged.filter((one) => one.point !== point || one.kind !== 'unread').map((one) => one.point)
}

function assertId(id: string): void {
  if (/^[0-9a-f]{6,32}$/.test(id)) return
  throw new Failure('usage', `${JSON.stringify(id)} is no restore point id`, {
    hint: 'Give the id or at least its first 6 digits.',
  })
}

function ambiguous(id: string): Failure {
  return new Failure('usage', `${id} is the start of several restore points`, { hint: 'Give more digits of the id.' })
}
