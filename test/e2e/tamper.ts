import { randomBytes } from 'node:crypto'
import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Commit } from '../../src/repository/documents/documents.ts'
import { signDocument } from '../../src/repository/documents/dsse.ts'
import { parseSigner, type Signer } from '../../src/repository/keys/signer.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Lab } from './lab.ts'

/** What somebody does to a repository in a folder behind our back. Names are relative to the repository. */

export const commitOf = (point: string): string => `points/${point}.json`
export const artifactOf = (point: string, number: number): string => `data/${point}/${String(number).padStart(6, '0')}`

/** Changes one bit in the middle of a blob, or at an offset. */
export async function flipBit(lab: Lab, name: string, at?: number): Promise<void> {
  const path = join(lab.repository, name)
  const bytes = await readFile(path)
  const offset = at ?? Math.floor(bytes.length / 2)
  bytes[offset] = (bytes[offset] ?? 0) ^ 1
  await writeFile(path, bytes)
}

export async function cutOff(lab: Lab, name: string, bytes: number): Promise<void> {
  const path = join(lab.repository, name)
  const { length } = await readFile(path)
  await truncate(path, length - bytes)
}

export async function swapBlobs(lab: Lab, one: string, other: string): Promise<void> {
  const [a, b, aside] = [join(lab.repository, one), join(lab.repository, other), join(lab.repository, `${one}.aside`)]
  await rename(a, aside)
  await rename(b, a)
  await rename(aside, b)
}

export async function removeBlob(lab: Lab, name: string): Promise<void> {
  await rm(join(lab.repository, name), { recursive: true })
}

/** The numbered artifacts of a point, each with its size, largest first. */
export async function artifactsOf(lab: Lab, point: string): Promise<readonly string[]> {
  const names = (await readdir(join(lab.repository, 'data', point))).filter((name) => /^\d{6}$/.test(name))
  const sized = await Promise.all(
    names.map(async (name) => ({
      name: `data/${point}/${name}`,
      size: (await readFile(join(lab.repository, 'data', point, name))).length,
    })),
  )
  return sized.toSorted((a, b) => b.size - a.size).map(({ name }) => name)
}

export async function keysOf(lab: Lab, point: string): Promise<string> {
  const names = await readdir(join(lab.repository, 'data', point))
  return `data/${point}/${names.find((name) => name.startsWith('keys-')) ?? 'keys-1'}`
}

/** The signer that init made for the lab. */
export async function signerOf(lab: Lab): Promise<Signer> {
  return parseSigner(new Secret(await readFile(join(lab.folder, 'etc', 'signing.key'), 'utf8')))
}

export async function readCommitOf(lab: Lab, point: string): Promise<Commit> {
  const envelope = JSON.parse(await readFile(join(lab.repository, commitOf(point)), 'utf8')) as { payload: string }
  return JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as Commit
}

/** Writes a commit that is validly signed, under the id it names. */
export async function writeCommit(lab: Lab, commit: Commit, signer: Signer): Promise<void> {
  await writeFile(join(lab.repository, commitOf(commit.point)), signDocument('commit', commit, signer))
}

/** A point id of this moment that nobody has. */
export function strangePoint(): string {
  return `${Date.now().toString(16).padStart(12, '0')}7${randomBytes(10).toString('hex').slice(0, 19)}`
}
