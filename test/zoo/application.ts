/** A real application of somebody else: what to install, and how it makes its schema and its rows by its own means. */
export interface Application {
  readonly name: string
  readonly version: string
  /** Quick enough for `npm test`. */
  readonly small?: true
  readonly packages: Packages
  readonly needs?: Needs
  /** How it lives at one place. */
  life(place: Place): Life
}

/** Where its packages come from; versions are pinned. */
export type Packages =
  | {
      readonly registry: 'pypi'
      /** Versions of Python that it runs with, the best one first. */
      readonly python: readonly string[]
      readonly wanted: readonly string[]
      /** Dependencies that are left out: they need a library of the machine, and its schema does not need them. */
      readonly without?: readonly string[]
    }
  | {
      readonly registry: 'npm'
      readonly wanted: Readonly<Record<string, string>>
      /** Versions of packages that others ask for, where the registry lacks those they name. */
      readonly overrides?: Readonly<Record<string, string>>
    }
  | { readonly registry: 'maven'; readonly archive: string }
  | { readonly registry: 'none' }

interface Needs {
  readonly redis?: true
  /** Locale of the database where it has to be this one. */
  readonly locale?: 'C'
  /** Extensions that its manual has an administrator make first. */
  readonly extensions?: readonly string[]
}

/** What an application is told about its surroundings: no network but these. */
export interface Place {
  /** Its own folder, and its home. */
  readonly folder: string
  /** Where its packages are. */
  readonly installed: string
  readonly database: Database
}

export interface Database {
  readonly host: string
  readonly port: number
  readonly name: string
  readonly user: string
  readonly password: string
}

export interface Life {
  readonly environment: Readonly<Record<string, string>>
  /** Files by their path in its folder, written before anything runs. */
  readonly files?: Readonly<Record<string, string>>
  readonly schema: readonly Step[]
  readonly rows: readonly Step[]
  readonly settled: Settled
}

/** A command that ends by itself, or requests to a server that runs meanwhile. */
export type Step = Command | Served

export interface Command {
  readonly run: readonly [string, ...string[]]
  readonly input?: string
  readonly minutes?: number
}

export interface Served {
  readonly serve: readonly [string, ...string[]]
  /** This URL answers once it is up. */
  readonly ready: string
  readonly requests: readonly Request[]
  readonly minutes?: number
}

/** `$name` in path, headers and body stands for what an earlier request kept. */
export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** In place of a body in JSON. */
  readonly form?: Readonly<Record<string, string>>
  /** Names for values of the answer, by their path: `{ token: 'data.access_token' }`. `set-cookie` is the answer's cookies. */
  readonly keep?: Readonly<Record<string, string>>
}

/** Its own migration command, and what it prints when nothing is to be done. */
interface Settled {
  readonly steps: readonly Step[]
  readonly says: RegExp
  /** What it would print if it changed anything. */
  readonly saysNot?: RegExp
}

/** A step of Python code. */
export function python(code: string): Command {
  return { run: ['python', '-c', code] }
}
