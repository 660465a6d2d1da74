import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { parseDatabaseUrl } from '../core/texts/database-url.ts'
import { Failure, systemFailure } from '../core/failure.ts'
import { Secret } from '../core/secret.ts'
import { readVariable } from './environment-file.ts'

type Scheme = 'env' | 'file' | 'envfile' | 'literal'
/** A file and the name of a variable in it. */
const PLACE = /^(.+)#([A-Za-z_][A-Za-z0-9_.]*)$/s

/**
 * Where a secret is, as written in the configuration: `env:NAME`, `file:/path`, `envfile:/path#NAME` (a variable of an environment
 * file, and of a database's URL its password), or the secret itself (warned about).
 */
export class SecretReference {
  readonly scheme: Scheme
  readonly #target: string

  constructor(scheme: Scheme, target: string) {
    this.scheme = scheme
    this.#target = target
  }

  /** For people: the reference, or `literal` without the value. */
  toString(): string {
    return this.scheme === 'literal' ? 'literal' : `${this.scheme}:${this.#target}`
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
      case 'env':
        return this.#fromEnvironment()
    }
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

async function readSecretFile(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    return text.endsWith('\n') ? text.slice(0, -1).replace(/\r$/, '') : text
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
  const match = /^(env|file|envfile):(.+)$/s.exec(text)
  if (match === null || (match[1] === 'envfile' && !PLACE.test(match[2] ?? '')))
    return new SecretReference('literal', text)
  // The pattern has exactly these three alternatives and a non-empty rest.
  return new SecretReference(match[1] as 'env' | 'file' | 'envfile', match[2] as string)
}

/** A secret in the configuration. */
export const secretReference = z
  .string()
  .min(1)
  .meta({ description: 'A secret: env:NAME, file:/path or envfile:/path#NAME. A literal is accepted with a warning.' })
  .transform(parseSecretReference)
