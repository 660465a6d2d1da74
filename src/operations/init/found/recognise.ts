import { Failure } from '../../../core/failure.ts'
import type { Profile } from '../../../profiles/profile.ts'
import type { Surroundings, Thing } from '../../../platforms/surroundings.ts'
import { clueText, matches, matchesAny } from './match.ts'

/** The pieces of an app that were found. */
export interface Recognised {
  readonly database: Thing
  /** In the order in which they are stopped. */
  readonly writers: readonly Thing[]
  /** Secrets and ConfigMaps without which it does not start. */
  readonly pools: readonly Thing[]
  readonly disposable: readonly { readonly thing: Thing; readonly why: string }[]
  readonly openbao: Thing | undefined
}

/** The cluster writes it into every namespace. */
const OF_THE_CLUSTER = ['ConfigMap/kube-root-ca.crt']
const LISTED = 20

/**
 * Finds the app of a profile. Fails with `notFound` where the place holds another app or none, and with `refused` where its
 * database could be one of several; both list what is there and what was looked for.
 */
export function recognise(profile: Profile, around: Surroundings): Recognised {
  const { shape } = profile
  const programs = around.things.filter(isProgram)
  if (!programs.some((thing) => matches(shape.signs, thing)))
    throw unlike(profile, around, `holds no ${profile.name}`, clueText(shape.signs))
  const database = databaseOf(profile, around)
  const openbao = programs.find((thing) => shape.openbao !== undefined && matches(shape.openbao, thing))
  const disposable = shape.disposable.flatMap(({ clue, why }) =>
    programs.filter((thing) => matches(clue, thing)).map((thing) => ({ thing, why })),
  )
  const kept = new Set<Thing | undefined>([database, openbao, ...disposable.map(({ thing }) => thing)])
  const others = programs.filter((thing) => !kept.has(thing))
  const writers = ordered(shape.order, writersOf(profile, database, others, around))
  return { database, writers, pools: poolsOf(profile, [database, ...writers], around), disposable, openbao }
}

function databaseOf(profile: Profile, around: Surroundings): Thing {
  const { clues } = profile.shape.database
  const programs = around.things.filter(isProgram)
  const found = clues.map((clue) => programs.filter((thing) => matches(clue, thing))).find((some) => some.length > 0)
  const [first, ...more] = found ?? []
  const sought = clues.map(clueText).join('; ')
  if (first === undefined) throw unlike(profile, around, `holds no database of ${profile.name}`, sought)
  if (more.length > 0) {
    const names = [first, ...more].map(wordsOf).join(', ')
    throw new Failure(
      'refused',
      `${around.place} holds more than one database that may be that of ${profile.name}: ${names}`,
      {
        hint: 'Holdfast does not guess. Begin with holdfast init, and name one under reach of the component.',
      },
    )
  }
  if (first.reach !== undefined) return first
  throw new Failure('unsupported', `${wordsOf(first)} in ${around.place} is a database that Holdfast has no way into`, {
    hint: 'Begin with holdfast init, and name its pod under reach of the component.',
  })
}

function writersOf(
  { shape: { writers, secrets } }: Profile,
  database: Thing,
  others: readonly Thing[],
  around: Surroundings,
): readonly Thing[] {
  if (writers !== 'users of the database') return others.filter((thing) => matches(writers, thing))
  const ofDatabase = around.things.filter((thing) => isSecret(thing) && matches(secrets, thing)).map(wordsWithSlash)
  const credentials = new Set([...database.uses.filter((one) => one.startsWith('Secret/')), ...ofDatabase])
  return others.filter(
    ({ uses, dependsOn }) => uses.some((one) => credentials.has(one)) || dependsOn.includes(database.name),
  )
}

function ordered(order: readonly string[], writers: readonly Thing[]): readonly Thing[] {
  const place = ({ name }: Thing): number => order.findIndex((pattern) => matchesAny([pattern], name))
  return writers.toSorted((a, b) => place(a) - place(b) || a.name.localeCompare(b.name))
}

function poolsOf({ shape }: Profile, users: readonly Thing[], around: Surroundings): readonly Thing[] {
  const used = new Set(users.flatMap(({ uses }) => uses))
  return around.things.filter(
    (thing) =>
      !isProgram(thing) &&
      !OF_THE_CLUSTER.includes(wordsWithSlash(thing)) &&
      (used.has(wordsWithSlash(thing)) || (isSecret(thing) && matches(shape.secrets, thing))),
  )
}

const isSecret = ({ kind }: Thing): boolean => kind === 'Secret'
const isProgram = ({ kind }: Thing): boolean => kind !== 'Secret' && kind !== 'ConfigMap'
const wordsWithSlash = ({ kind, name }: Thing): string => `${kind}/${name}`

/** For people: `StatefulSet zitadel-db`. */
export const wordsOf = ({ kind, name }: Pick<Thing, 'kind' | 'name'>): string => `${kind} ${name}`

/** What was found and what was looked for, so that one sees whether the place or the profile is wrong. */
export function unlike({ name }: Profile, { place, things }: Surroundings, says: string, sought: string): Failure {
  const found = things.filter(isProgram).map(wordsOf).toSorted()
  const more = found.length > LISTED ? `, and ${found.length - LISTED} more` : ''
  const there = found.length === 0 ? 'nothing' : `${found.slice(0, LISTED).join(', ')}${more}`
  return new Failure('notFound', `${place} ${says}; there is ${there}`, {
    hint: `Name the place where ${name} runs, or another profile. Looked for: ${sought}.`,
    facts: { found: found.join(', '), sought },
  })
}
