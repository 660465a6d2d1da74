import { z } from 'zod'
import { secretsIn } from '../mistakes/find-warnings.ts'
import type { Path } from '../mistakes/problems.ts'
import { valueAt } from '../mistakes/value-at.ts'

/** What is carried of holdfast.yaml, as it is written there. */
export type CarriedFile = Readonly<Record<string, unknown>>

const anyMap = z.record(z.string(), z.unknown())
const written = z.looseObject({
  repositories: anyMap,
  apps: z.record(z.string(), z.looseObject({ repositories: z.array(z.string()) })),
})

/**
 * By app: the part of a valid configuration that the app's restore points carry, so that a new host can have it. Other apps
 * and their repositories are left out, as others may open those. References to secrets stay references; a secret
 * that is written into the file is replaced by one to a variable of the environment.
 */
export function carriedConfigurations(value: unknown, parsed: unknown): Readonly<Record<string, CarriedFile>> {
  const file = written.parse(withoutLiterals(value, parsed))
  const apps = Object.entries(file.apps).map(([name, app]): [string, CarriedFile] => [
    name,
    { ...file, repositories: pick(file.repositories, app.repositories), apps: { [name]: app } },
  ])
  return Object.fromEntries(apps)
}

function pick(all: Readonly<Record<string, unknown>>, names: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.map((name) => [name, all[name]]))
}

/** A copy in which nothing is shared any more, as anchors share it. */
function withoutLiterals(value: unknown, parsed: unknown): unknown {
  const secrets = secretsIn(parsed, []).filter(([, { scheme }]) => scheme === 'literal')
  return secrets.reduce((copy, [path]) => withReference(copy, path), JSON.parse(JSON.stringify(value)))
}

/** Throws where the secret is not at its place: then it would be somewhere else, and be carried in clear. */
function withReference(copy: unknown, path: Path): unknown {
  const [holder, last] = [valueAt(copy, path.slice(0, -1)), path.at(-1)]
  if (typeof holder !== 'object' || holder === null || last === undefined || typeof valueAt(copy, path) !== 'string')
    throw new TypeError('a secret of the configuration is not where it was written')
  Reflect.set(holder, last, `env:${variableFor(path)}`)
  return copy
}

/** `apps.portal.components.database.password` as `PORTAL_DATABASE_PASSWORD`. */
function variableFor(path: Path): string {
  const words = path.map(String).filter((word) => !['apps', 'components', 'repositories'].includes(word))
  return words
    .join('_')
    .replaceAll(/[^A-Za-z0-9]/g, '_')
    .toUpperCase()
}
