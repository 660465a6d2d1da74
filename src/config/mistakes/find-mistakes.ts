import { z } from 'zod'
import { isTimeZone } from '../../core/retention/calendar.ts'
import { nearestWord } from '../../core/texts/nearest-word.ts'
import { spellFound } from './found.ts'
import { suggest } from './issue-problems.ts'
import { keyFitMistakes } from './key-fit-mistakes.ts'
import { spellPath, type Path, type Problem } from './problems.ts'
import { repositoryMistakes } from './repository-mistakes.ts'
import { namePattern } from '../schema.ts'

// Reads what it can of a file that may be wrong elsewhere, so that all problems are told at once.
const anyMap = z.record(z.string(), z.unknown()).optional().catch(undefined)
const anyList = z.array(z.unknown()).catch([])
const anyApp = z
  .object({
    repositories: anyList,
    lostTogether: anyList.default([]),
    components: anyMap,
    hooks: anyMap,
    platform: z.unknown().optional(),
    retention: anyMap,
    keyFit: z.unknown().optional(),
  })
  .catch({ repositories: [], lostTogether: [], keyFit: undefined })
const anyFile = z
  .object({ repositories: anyMap, apps: z.record(z.string(), anyApp).optional().catch(undefined) })
  .catch({})

/** What is wrong between the parts of the file, each of which may be right by itself. */
export function findMistakes(value: unknown): Problem[] {
  const { repositories, apps } = anyFile.parse(value)
  return [
    ...lostNames(value, []),
    ...nameMistakes(repositories, ['repositories']),
    ...nameMistakes(apps, ['apps']),
    ...repositoryMistakes(repositories ?? {}),
    ...Object.entries(apps ?? {}).flatMap(([name, app]) =>
      appMistakes(app, ['apps', name], Object.keys(repositories ?? {})),
    ),
  ]
}

/** A schema leaves out a member of this name without a word, so that a secret of it would not be captured. */
const LOST = '__proto__'

function lostNames(value: unknown, path: Path): Problem[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]): Problem[] => {
    const here = [...path, Array.isArray(value) ? Number(name) : name]
    return name === LOST && path.length > 0
      ? [{ path: here, at: 'name', message: 'is no name' }]
      : lostNames(inner, here)
  })
}

function appMistakes(app: z.infer<typeof anyApp>, path: Path, repositories: readonly string[]): Problem[] {
  return [
    ...referenceMistakes(app.repositories, [...path, 'repositories'], repositories),
    ...lostTogetherMistakes(app, [...path, 'lostTogether']),
    ...nameMistakes(app.components, [...path, 'components']),
    ...pauseMistakes(app, path),
    ...reachMistakes(app, path),
    ...keyFitMistakes(app.keyFit, [...path, 'keyFit'], Object.keys(app.components ?? {})),
    ...zoneMistakes(app.retention?.['timezone'], [...path, 'retention', 'timezone']),
  ]
}

/** A map of named things must have one, and their names must be names. */
function nameMistakes(section: Readonly<Record<string, unknown>> | undefined, path: Path): Problem[] {
  if (section === undefined) return []
  const names = Object.keys(section)
  if (names.length === 0) return [{ path, at: 'name', message: 'is empty; expected at least one' }]
  return names
    .filter((name) => !namePattern.test(name))
    .map((name) => ({
      path: [...path, name],
      at: 'name',
      message: `is no name; ${properName(name)}expected up to 63 lower-case letters, digits and hyphens`,
    }))
}

function properName(name: string): string {
  const proper = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 63)
  return namePattern.test(proper) ? `did you mean "${proper}"? ` : ''
}

function referenceMistakes(references: readonly unknown[], path: Path, repositories: readonly string[]): Problem[] {
  return references.flatMap((reference, index): Problem[] => {
    const place = { path: [...path, index], at: 'value' } as const
    // The schema says what is not text.
    if (typeof reference !== 'string') return []
    if (!repositories.includes(reference))
      return [
        {
          ...place,
          message: `found ${spellFound(reference)}; no such repository; ${suggest(reference, repositories)}`,
        },
      ]
    return references.indexOf(reference) === index
      ? []
      : [{ ...place, message: `found ${spellFound(reference)} a second time` }]
  })
}

/** Of a repository that is not the app's nothing needs to be accepted: it was meant to be another. */
function lostTogetherMistakes({ lostTogether, repositories }: z.infer<typeof anyApp>, path: Path): Problem[] {
  const known = repositories.filter((name) => typeof name === 'string')
  const named = z.object({ repository: z.string() })
  return lostTogether.flatMap((entry, index) => {
    const parsed = named.safeParse(entry)
    if (!parsed.success) return []
    const place = [...path, index, 'repository']
    return referenceMistakes([parsed.data.repository], place, known).map((problem) => ({ ...problem, path: place }))
  })
}

/** Nothing can be stopped for a component where nobody says what runs. */
function pauseMistakes({ components = {}, platform }: z.infer<typeof anyApp>, path: Path): Problem[] {
  if (platform !== undefined) return []
  const asks = z.object({ captureWhile: z.literal('paused') })
  const asking = Object.entries(components).filter(([, component]) => asks.safeParse(component).success)
  return asking.map(([name]) => ({
    path: [...path, 'components', name, 'captureWhile'],
    at: 'value',
    message: `found "paused", and the app has no platform; say under ${spellPath([...path, 'platform'])} what is to be stopped`,
  }))
}

/** A container is looked for on the platform of the app. */
function reachMistakes({ components = {}, hooks = {}, platform }: z.infer<typeof anyApp>, path: Path): Problem[] {
  const reaching = Object.entries(components).map(([name, component]) => ({
    reach: z.object({ reach: reachShape }).safeParse(component).data?.reach,
    at: [...path, 'components', name, 'reach', 'kind'],
  }))
  const kind = reachShape.safeParse(platform).data?.kind
  return [...reaching, ...hookReaches(hooks, [...path, 'hooks'])].flatMap(({ reach, at }): Problem[] => {
    if (reach === undefined || reach.kind === kind) return []
    const there = kind === undefined ? 'the app has no platform' : `the platform of the app is ${kind}`
    const message = `found ${spellFound(reach.kind)}, and ${there}; say under ${spellPath([...path, 'platform'])} where it is`
    return [{ path: at, at: 'value', message }]
  })
}

const reachShape = z.object({ kind: z.string() })

function hookReaches(hooks: Readonly<Record<string, unknown>>, path: Path) {
  return Object.entries(hooks).flatMap(([name, list]) =>
    anyList.parse(list).map((hook, index) => ({
      reach: z.object({ where: reachShape }).safeParse(hook).data?.where,
      at: [...path, name, index, 'where', 'kind'],
    })),
  )
}

function zoneMistakes(zone: unknown, path: Path): Problem[] {
  if (typeof zone !== 'string' || isTimeZone(zone)) return []
  const nearest = nearestWord(zone, Intl.supportedValuesOf('timeZone'))
  const meant = nearest === undefined ? '' : `did you mean "${nearest}"? `
  return [
    {
      path,
      at: 'value',
      message: `found ${spellFound(zone)}; no such time zone; ${meant}expected an IANA name such as Europe/Paris`,
    },
  ]
}
