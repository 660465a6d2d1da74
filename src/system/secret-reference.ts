import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { parseDatabaseUrl } from '../core/texts/database-url.ts'
import { Failure, systemFailure } from '../core/failure.ts'
import { Secret } from '../core/secret.ts'
import { environmentForOthers } from './environment.ts'
import { readVariable } from './environment-file.ts'

type Scheme = 'env' | 'file' | 'envfile' | 'inside' | 'command' | 'literal'
/** Reads a variable of the container in which a component's server runs. */
type ReadInside = (name: string) => Promise<string>
/** A file and the name of a variable in it. */
const PLACE = /^(.+)#([A-Za-z_][A-Za-z0-9_.]*)$/s

/**
 * Where a secret is, as written in the configuration: `env:NAME`, `file:/path`, `envfile:/path#NAME` (a variable of an environment
 * file, and of a database's URL its password), `inside:NAME` (a variable of the container that the component is reached in),
 * a program that prints it, or the secret itself (warned about).
 */
export class SecretReference {
  readonly scheme: Scheme
  readonly #target: string
  readonly #readInside: ReadInside | undefined

  constructor(scheme: Scheme, target: string, readInside?: ReadInside) {
    this.scheme = scheme
    this.#target = target
    this.#readInside = readInside
  }

  /** The same reference, of a component that is reached in a container. */
  readInside(read: ReadInside): SecretReference {
    return new SecretReference(this.scheme, this.#target, read)
  }

  /** For people: the reference, or `literal` without the value. */
  toString(): string {
    if (this.scheme === 'literal') return 'literal'
    // Of a program only its name: an argument may be what nobody should read.
    return `${this.scheme}:${this.scheme === 'command' ? (commandOf(this.#target)[0] ?? '') : this.#target}`
  }

  toJSON(): string {
    return this.toString()
  }

  /**
   * Reads the secret now, so that a rotated one is seen. One trailing newline of a file is dropped, as editors add it.
   * Fails with `notFound` when the variable or file is missing, with the kind of what was in the way of reading it, and `usage`
   * when it is empty.
   */
  async resolve(): Promise<Secret> {
    const value = await this.#read()
    if (value === '') throw new Failure('usage', `secret ${this.toString()} is empty`)
    return new Secret(value)
  }

  async #read(): Promise<string> {
    switch (this.scheme) {
      case 'file':
        return await readSecretFile(this.#target)
      case 'envfile':
        return readEnvironmentFile(this.#target)
      case 'literal':
        return this.#target
      case 'command':
        return await printedBy(commandOf(this.#target))
      case 'inside':
        return await this.#fromInside()
      case 'env':
        return this.#fromEnvironment()
    }
  }

  async #fromInside(): Promise<string> {
    if (this.#readInside !== undefined) return await this.#readInside(this.#target)
    throw new Failure('usage', `secret ${this.toString()} is of a container, and none is named`, {
      hint: 'Say in which container the component runs: its setting reach.',
    })
  }

  #fromEnvironment(): string {
    const value = process.env[this.#target]
    if (value === undefined) {
      throw new Failure('notFound', `environment variable ${this.#target} is not set`, {
        hint: `Set it, or write the secret to a file and refer to it with file:/path.`,
      })
    }
    return value
  }
}

/** Longer than a password manager asks its server, shorter than anybody waits for. */
const COMMAND_LIMIT = 30_000

/** What a program prints, without its last newline. What it was given as arguments is never said. */
async function printedBy([file = '', ...args]: readonly string[]): Promise<string> {
  const { run } = await import('./process/run.ts')
  const limits = { idleLimit: COMMAND_LIMIT, totalLimit: COMMAND_LIMIT }
  const environment = environmentForOthers()
  const { stdout } = await run({ file, args, environment, signal: new AbortController().signal, ...limits })
  return withoutNewline(stdout)
}

function commandOf(target: string): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(target))
}

function withoutNewline(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1).replace(/\r$/, '') : text
}

async function readSecretFile(path: string): Promise<string> {
  try {
    return withoutNewline(await readFile(path, 'utf8'))
  } catch (cause) {
    const hint = 'Check that the file exists and that the user who runs Holdfast may read it.'
    throw systemFailure(`secret file ${path} cannot be read`, cause, hint)
  }
}

function readEnvironmentFile(target: string): string {
  const [, file = '', name = ''] = PLACE.exec(target) ?? []
  const value = readVariable(file, name)
  const url = parseDatabaseUrl(value)
  return url === undefined ? value : (url.password?.reveal() ?? '')
}

function parseSecretReference(text: string): SecretReference {
  const match = /^(env|file|envfile|inside):(.+)$/s.exec(text)
  if (match === null || (match[1] === 'envfile' && !PLACE.test(match[2] ?? '')))
    return new SecretReference('literal', text)
  // The pattern has exactly these alternatives and a non-empty rest.
  return new SecretReference(match[1] as 'env' | 'file' | 'envfile' | 'inside', match[2] as string)
}

/** A secret that is written as one text. */
export const secretText = z.string().min(1).transform(parseSecretReference)

/** A secret in the configuration. */
export const secretReference = z
  .union([z.string().min(1), z.strictObject({ command: z.array(z.string().min(1)).min(1) })])
  .meta({
    description:
      'A secret: env:NAME, file:/path, envfile:/path#NAME, inside:NAME of the container that reach names, or {command: [program, argument, …]} that prints it. A literal is accepted with a warning.',
  })
  .transform((given) =>
    typeof given === 'string'
      ? parseSecretReference(given)
      : new SecretReference('command', JSON.stringify(given.command)),
  )
