import type { DeclaredFitInput } from '../key-fit/schema.ts'
import type { AppShape } from './shape.ts'

/** All that Holdfast knows of one application, as data. A new app is a folder and a line in `all.ts`. */
export interface Profile {
  readonly name: string
  /** How its keys are proven; absent where no key opens its data. */
  readonly recipe?: Recipe
  /** For an app that may run on a host without containers. */
  readonly template?: Template
  readonly shape: AppShape
  readonly advice: Advice
}

/** What an operator has to know, a sentence each. */
export interface Advice {
  /** What is left to do after a restore, in order. */
  readonly afterRestore: readonly string[]
  /** What went wrong for others. */
  readonly warnings: readonly string[]
  /** Which versions of the app take restored data. */
  readonly versions: readonly string[]
}

export interface Template {
  /** The usual place of the app's own settings on a host; absolute. */
  readonly environmentFile: string
  /** The variable there that has the URL of the database, where the app has one. */
  readonly databaseUrl?: string
  /** What the app needs to start again, as a commented piece of holdfast.yaml: the lines under `components:` and what follows. */
  text(place: TemplatePlace): string
}

export interface TemplatePlace {
  /** Absolute; where the app's own settings are. */
  readonly environmentFile: string
  /** Whether that file is there and has the URL of the database. */
  readonly hasUrl: boolean
}

/** A declaration whose places are filled in by whoever uses it: `$database`, and for each key `$<key>`. */
export interface Recipe {
  /** What each key is, in words. */
  readonly keys: Readonly<Record<string, string>>
  /** Keys without which the rest can be proven. */
  readonly optional: readonly string[]
  readonly fit: Pick<DeclaredFitInput, 'keys' | 'proofs'>
}
