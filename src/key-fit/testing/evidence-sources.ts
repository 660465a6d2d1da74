import { createHash } from 'node:crypto'
import type { Secret } from '../../core/secret.ts'
import { secretOfBytes } from '../../core/texts/secret-bytes.ts'
import { evaluateKeyFit } from '../evaluate.ts'
import { declared, keyFitSetting } from '../../profiles/use-recipe.ts'
import type { KeyFitResult } from '../verdict.ts'
import type { EvidenceSource, Row } from '../evidence-source.ts'

export interface Things {
  readonly secrets: Readonly<Record<string, string | Uint8Array>>
  readonly live?: Readonly<Record<string, string | Uint8Array>>
  /** Rows by a word of the statement that asks for them. */
  readonly rows?: Readonly<Record<string, readonly Row[]>>
  /** What the running app gives by the address of a page. */
  readonly cookies?: Readonly<Record<string, string>>
  /** Files that are in a component. */
  readonly files?: readonly string[]
  /** What a backup found out; with it, the world is one after that backup. */
  readonly recorded?: KeyFitResult
}

/** Data and keys in memory. */
export function worldOf({ secrets, live = secrets, rows = {}, cookies, recorded, files }: Things): EvidenceSource {
  const from = (things: Things['secrets']) => (_component: string, name: string) => {
    const value = things[name]
    return Promise.resolve(value === undefined ? undefined : secretOfBytes(Buffer.from(value)))
  }
  return {
    secret: from(secrets),
    liveSecret: from(live),
    async *rows(_component, { sql, limit }) {
      const found = Object.entries(rows).find(([word]) => sql.includes(word))?.[1] ?? []
      for (const row of found.slice(0, limit)) yield await Promise.resolve(row)
    },
    ...(files === undefined ? {} : { holdsFile: (path) => Promise.resolve(files.includes(path)) }),
    ...(recorded === undefined ? {} : { recorded: () => recorded }),
    ...(cookies === undefined ? {} : { cookie: (page) => Promise.resolve(cookieOf(cookies[page])) }),
    fingerprint: (secret) => createHash('sha256').update(secret.reveal()).digest('hex').slice(0, 16),
    signal: new AbortController().signal,
  }
}

function cookieOf(value: string | undefined): Secret | undefined {
  return value === undefined ? undefined : secretOfBytes(Buffer.from(value))
}

/** The verdict of what an operator would write. */
export function proven(setting: unknown, things: Things): Promise<KeyFitResult> {
  return evaluateKeyFit(declared(keyFitSetting.parse(setting)), worldOf(things))
}

/** A recipe whose keys are the secrets of the same names. */
export function recipe(name: string, ...keys: readonly string[]): unknown {
  const places = keys.map((key) => [key, { component: 'keys', secret: key }])
  return { kind: 'recipe', recipe: name, keys: Object.fromEntries(places) as unknown }
}
