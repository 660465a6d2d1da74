/** What is there at a place where an app may run, as far as an app is recognised by it. It holds names, and no values. */
export interface Surroundings {
  /** For people: `namespace identity in context production`. */
  readonly place: string
  /** What an app is called here that has no name of its own. */
  readonly name: string
  /** The settings of the platform, as the configuration has them. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly things: readonly Thing[]
  /** Where the app's own settings may be on this host, absolute. */
  readonly ownFiles: readonly string[]
  /** The settings that stop these things, in this order. */
  pausing(writers: readonly Thing[]): Readonly<Record<string, unknown>>
}

/** A workload, a Secret, a service of compose, a unit. */
export interface Thing {
  /** In the platform's own word: `StatefulSet`, `Secret`, `service`, `unit`. */
  readonly kind: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** None where it is no program. */
  readonly containers: readonly { readonly name: string; readonly image: string }[]
  /** How a component is reached in its container. */
  readonly reach?: Readonly<Record<string, unknown>>
  /** How many of it are to run. */
  readonly count: number
  /** Where each variable of its programs comes from. */
  readonly variables: Readonly<Record<string, VariableSource>>
  /** Secrets and ConfigMaps that it takes in, as `Secret/name`. */
  readonly uses: readonly string[]
  /** Names of things that must run before it. */
  readonly dependsOn: readonly string[]
  /** Folders of its programs that are not of the image. */
  readonly mounts: readonly { readonly path: string; readonly lasts: boolean }[]
  /** Of a Secret or ConfigMap. */
  readonly keys: readonly string[]
  /** Who would start it again while it is stopped. */
  readonly starters: readonly Starter[]
  /** Of a server whose databases somebody declares. */
  readonly databases: readonly string[]
}

export type VariableSource =
  | { readonly from: 'text' }
  /** A key of a Secret or ConfigMap. */
  | { readonly from: 'Secret' | 'ConfigMap'; readonly name: string; readonly key: string }

/** Flux or Argo CD. `namespace` is undefined where the object was not found. */
export interface Starter {
  readonly kind: string
  readonly name: string
  readonly namespace: string | undefined
}

/** What most things do not have. */
export const plainThing = {
  labels: {},
  containers: [],
  count: 1,
  variables: {},
  uses: [],
  dependsOn: [],
  mounts: [],
  keys: [],
  starters: [],
  databases: [],
} as const
