/** What one thing of an app is recognised by: any of these is enough. In names and images `*` stands for any text. */
export interface Clue {
  readonly names?: readonly string[]
  /** `key=value`, as the platform has it. */
  readonly labels?: readonly string[]
  /** Without registry and tag: `goauthentik/server`, or its last part alone. */
  readonly images?: readonly string[]
  /** Names of variables that its programs get. */
  readonly variables?: readonly string[]
}

/** Where an app's pieces are found on any platform, as data. */
export interface AppShape {
  /** It is this app if something has one of these. */
  readonly signs: Clue
  /** The programs that write to the data. `users of the database`: all that take its Secrets, or depend on it. */
  readonly writers: Clue | 'users of the database'
  /** Names of writers in the order in which they are stopped; all others follow. */
  readonly order: readonly string[]
  readonly database: DatabaseShape
  /** Secrets beside those that writers and database take in. */
  readonly secrets: Clue
  /** For each key of the recipe, how it is called. */
  readonly keys: Readonly<Record<string, KeyNames>>
  readonly files: readonly FilesShape[]
  /** What is not captured, on purpose. */
  readonly disposable: readonly DisposableShape[]
  /** An OpenBao or Vault that is part of the app. */
  readonly openbao?: Clue
  /** Units of systemd, where the app runs on a host. */
  readonly units: readonly string[]
}

export interface DatabaseShape {
  /** In the order of preference: the first that something matches is taken. */
  readonly clues: readonly Clue[]
  /** Its name, where its container does not say one. */
  readonly name?: string
  readonly checks: readonly { readonly name: string; readonly sql: string }[]
  /** Tables (schema.table) whose rows the app makes anew by itself. */
  readonly disposable: readonly string[]
}

/** The variable that has a key, and the key of a Secret that does. */
export interface KeyNames {
  readonly variables: readonly string[]
  readonly secretKeys: readonly string[]
}

/** A folder of the app's programs. */
export interface FilesShape {
  /** What the component is called. */
  readonly name: string
  readonly what: string
  /** Inside, of which the first that is mounted is taken. */
  readonly paths: readonly string[]
}

export interface DisposableShape {
  readonly clue: Clue
  readonly why: string
}
