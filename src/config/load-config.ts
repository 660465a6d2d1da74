import type { z } from 'zod'
import { carriedConfigurations, type CarriedFile } from './carried/carried-configuration.ts'
import { withDatabaseUrls, type Beside } from './database-urls.ts'
import { deepFreeze } from './deep-freeze.ts'
import { defaultStateFolder, type Environment } from './environment.ts'
import { findMistakes } from './mistakes/find-mistakes.ts'
import { findWarnings } from './mistakes/find-warnings.ts'
import { issueProblems } from './mistakes/issue-problems.ts'
import { spellLocated, wrongFile } from './mistakes/problems.ts'
import { readConfigFile } from './read-config-file.ts'
import { configJsonSchema, configSchema, type ComponentSchemas } from './schema.ts'
import { parseYamlFile, type YamlFile } from './yaml-file.ts'

export interface LoadOptions {
  /** The settings of each kind of component, by kind. */
  readonly componentSchemas: ComponentSchemas
  readonly environment: Environment
}

/** The whole configuration. Holds where secrets are, never secrets; frozen to its depths. */
export type Config = Readonly<Omit<z.infer<ReturnType<typeof configSchema>>, 'state'>> & {
  /** The file it was read from. */
  readonly path: string
  /** Folder for journals and the memory of repositories; may not exist yet. */
  readonly stateFolder: string
  /** By app: what its restore points carry of this file, without secrets. */
  readonly carried: Readonly<Record<string, CarriedFile>>
  /** What to tell the operator, one line each. */
  readonly warnings: readonly string[]
}

/**
 * Reads and checks the configuration. Fails with `usage` when the file is wrong, naming every problem with line and
 * column; with `notFound` or `denied` when it cannot be read.
 */
export async function loadConfig(path: string, options: LoadOptions): Promise<Config> {
  const { text, isPrivate } = await readConfigFile(path)
  return parseConfig(text, { ...options, path, isPrivate })
}

export interface ParseOptions extends LoadOptions, Beside {
  /** Stands before every problem. */
  readonly path: string
  /** Whether only the owner of the file can read it. */
  readonly isPrivate: boolean
}

/** The same for a text that is not (yet) a file. */
export function parseConfig(text: string, options: ParseOptions): Config {
  const { path, isPrivate, environment } = options
  const file = parseYamlFile(text)
  if ('problems' in file) throw wrongFile(path, file.problems)
  const { state, ...settings } = validate(file, options)
  const warnings = findWarnings(settings, isPrivate).map((warning) => spellLocated(path, file.locate(warning)))
  const carried = carriedConfigurations(file.value, settings)
  return deepFreeze({ ...settings, path, stateFolder: state ?? defaultStateFolder(environment), carried, warnings })
}

function validate(file: YamlFile, options: ParseOptions): z.infer<ReturnType<typeof configSchema>> {
  const { path, componentSchemas: kinds } = options
  if (file.value === null)
    throw wrongFile(path, [
      { line: 1, column: 1, message: 'the file is empty; holdfast init writes one to start from' },
    ])
  const { value, problems } = withDatabaseUrls(file.value, options)
  const parsed = configSchema(kinds).safeParse(value)
  const mistakes = [...problems, ...findMistakes(file.value)]
  if (parsed.success && mistakes.length === 0) return parsed.data
  const issues = parsed.success ? [] : issueProblems(parsed.error.issues, value, configJsonSchema(kinds))
  throw wrongFile(
    path,
    [...issues, ...mistakes].map((problem) => file.locate(problem)),
  )
}
