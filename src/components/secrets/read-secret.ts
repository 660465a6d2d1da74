import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { isMap, isScalar, parseDocument, type Document } from 'yaml'
import { readEnvFile } from '../../core/texts/env-file.ts'
import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import { secretOfBytes } from '../../core/texts/secret-bytes.ts'
import { environmentVariable } from '../../system/environment.ts'
import { isMissing } from '../../system/files/errno.ts'
import type { SecretSource } from './schema.ts'

/** Larger files are no secrets; they belong into a component of kind files. */
export const SIZE_LIMIT = 1024 * 1024

export interface HostFile {
  readonly value: Secret
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** The exact bytes of a file. Undefined when there is none; never waits for a pipe. */
export async function readHostFile(path: string): Promise<(HostFile & { readonly content: Buffer }) | undefined> {
  const file = await openFile(path)
  if (file === undefined) return undefined
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Failure('usage', `${path} is not a file`)
    if (stat.size > SIZE_LIMIT)
      throw new Failure('unsupported', `${path} has ${stat.size} bytes; a secret has ${SIZE_LIMIT} at most`, {
        hint: 'Capture its folder with a component of kind files.',
      })
    const content = await file.readFile()
    return { content, value: secretOfBytes(content), mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid }
  } finally {
    await file.close()
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    // Without O_NONBLOCK the open of a named pipe waits for a writer, for ever.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw new Failure('denied', `${path} cannot be read`, {
      cause,
      hint: 'Run Holdfast as root or as the owner of the file.',
    })
  }
}

/** The value of one secret as it is on this host now; undefined when it is not there. */
export async function readSecret({
  file,
  yamlKey,
  variable,
  environment,
}: SecretSource): Promise<HostFile | undefined> {
  if (environment !== undefined) return ofEnvironment(environment)
  const found = file === undefined ? undefined : await readHostFile(file)
  if (file === undefined || found === undefined) return undefined
  if (yamlKey !== undefined) return withText(found, yamlText(parseYaml(file, found.content), file, yamlKey))
  if (variable !== undefined) return withText(found, readEnvFile(found.content.toString('utf8')).get(variable)?.value)
  return found
}

function withText(found: HostFile, text: string | undefined): HostFile | undefined {
  return text === undefined ? undefined : { ...found, value: secretOfBytes(Buffer.from(text)) }
}

/** It is no file; one that is made of it is private. */
function ofEnvironment(name: string): HostFile | undefined {
  const text = environmentVariable(name)
  return text === undefined ? undefined : { value: secretOfBytes(Buffer.from(text)), mode: 0o600, uid: 0, gid: 0 }
}

/** The same, where it must be there. */
export async function requireSecret(name: string, source: SecretSource): Promise<HostFile> {
  const found = await readSecret(source)
  if (found !== undefined) return found
  throw new Failure('notFound', `secret ${name} is not there: ${placeOf(source)}`, {
    hint:
      source.environment === undefined
        ? 'Correct the path in the configuration, or take the secret out of it.'
        : 'Run Holdfast with this variable set, as the app is, or take the secret out of the configuration.',
  })
}

/** The library's errors quote the line that they are about, so only the place goes further. */
export function parseYaml(file: string, content: Buffer): Document.Parsed {
  const document = parseDocument(content.toString('utf8'))
  const [error] = document.errors
  if (error === undefined) return document
  throw new Failure('unsupported', `${file} is no YAML with one document: ${error.code} in line ${lineOf(error)}`)
}

function lineOf({ linePos }: { readonly linePos?: readonly { readonly line: number }[] | undefined }): number {
  return linePos?.[0]?.line ?? 1
}

export function yamlText(document: Document.Parsed, file: string, yamlKey: readonly string[]): string | undefined {
  const node = document.getIn(yamlKey, true)
  if (node === undefined || node === null) return undefined
  if (isScalar(node) && typeof node.value === 'string') return node.value
  // A number or a date read from YAML is not the text that was written.
  if (isScalar(node) && typeof node.source === 'string') return node.source
  throw new Failure('unsupported', `${file} has ${isMap(node) ? 'a map' : 'no single value'} at ${yamlKey.join('.')}`)
}

export function placeOf({ file = '', yamlKey, variable, environment }: SecretSource): string {
  if (environment !== undefined) return `environment variable ${environment}`
  const part = yamlKey?.join('.') ?? variable
  return part === undefined ? file : `${part} in ${file}`
}
