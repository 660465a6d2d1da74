import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { Failure, systemFailure } from '../core/failure.ts'
import { Secret } from '../core/secret.ts'

/** Where a secret is, as written in the configuration: `env:NAME`, `file:/path`, or the secret itself (warned about). */
export class SecretReference {
  readonly scheme: 'env' | 'file' | 'literal'
  readonly #target: string

  constructor(scheme: 'env' | 'file' | 'literal', target: string) {
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
    const value = this.scheme === 'file' ? await readSecretFile(this.#target) : this.#fromEnvironment()
    if (value === '') throw new Failure('usage', `secret ${this.toString()} is empty`)
    return new Secret(value)
  }

  #fromEnvironment(): string {
    if (this.scheme === 'literal') return this.#target
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

function parseSecretReference(text: string): SecretReference {
  const match = /^(env|file):(.+)$/s.exec(text)
  if (match === null) return new SecretReference('literal', text)
  // The pattern has exactly these two alternatives and a non-empty rest.
  return new SecretReference(match[1] as 'env' | 'file', match[2] as string)
}

/** A secret in the configuration. */
export const secretReference = z
  .string()
  .min(1)
  .meta({ description: 'A secret: env:NAME or file:/path. A literal is accepted with a warning.' })
  .transform(parseSecretReference)
