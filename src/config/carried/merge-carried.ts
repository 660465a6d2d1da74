import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { CarriedFile } from './carried-configuration.ts'

const anyMap = z.record(z.string(), z.unknown()).catch({})
const anyList = z.array(z.string()).catch([])

/** One configuration of what the points of several apps carry. */
export interface Merged {
  readonly file: CarriedFile
  /** Repositories that are described in different ways; those of the newest point are in the file. */
  readonly conflicts: readonly string[]
}

/** `files` are the newest first: what they do not agree on is as in the newest. Whom any of them trusts is trusted. */
export function mergeCarried(files: readonly CarriedFile[]): Merged {
  const repositories = files.map((file) => anyMap.parse(file['repositories']))
  return {
    file: {
      ...newestOf(files),
      ...lists(files, 'signers'),
      ...lists(files, 'offlineRecipients'),
      repositories: newestOf(repositories),
      apps: newestOf(files.map((file) => anyMap.parse(file['apps']))),
    },
    conflicts: conflictsOf(repositories),
  }
}

function newestOf(maps: readonly Readonly<Record<string, unknown>>[]): Readonly<Record<string, unknown>> {
  const oldestFirst = maps.toReversed().flatMap((map) => Object.entries(map))
  const newest = new Map(oldestFirst)
  const names = new Set(maps.flatMap((map) => Object.keys(map)))
  return Object.fromEntries([...names].map((name) => [name, newest.get(name)]))
}

function lists(files: readonly CarriedFile[], name: string): Readonly<Record<string, readonly string[]>> {
  const all = [...new Set(files.flatMap((file) => anyList.parse(file[name])))]
  return all.length === 0 ? {} : { [name]: all }
}

function conflictsOf(maps: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  const newest = newestOf(maps)
  const other = maps.flatMap((map) =>
    Object.entries(map).filter(([name, one]) => !isDeepStrictEqual(one, newest[name])),
  )
  return [...new Set(other.map(([name]) => name))]
}
