import { createHash } from 'node:crypto'
import { link, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { v7 } from 'uuid'
import { z } from 'zod'
import { Failure } from '../src/core/failure.ts'
import { Secret } from '../src/core/secret.ts'
import { commitSchema, envelopeSchema } from '../src/repository/documents/documents.ts'
import type { Commit, Proof } from '../src/repository/documents/documents.ts'
import { signDocument } from '../src/repository/documents/dsse.ts'
import { parseSigner } from '../src/repository/keys/signer.ts'
import type { Signer } from '../src/repository/keys/signer.ts'
import { commitName, dataPrefix, POINTS, proofName } from '../src/repository/names.ts'
import type { Project } from './project.ts'

const DAY = 86_400_000

interface Last {
  readonly commit: Commit
  readonly sha256: string
}

/** Where `addPoints` writes, and with whose key. */
export type PointsPlace = Pick<Project, 'repositoryFolder' | 'signingKeyFile'>

/**
 * Adds commits to a repository that has one restore point: one a day up to yesterday, each naming the one before, each
 * signed, and a drill every week. Their data is that of
 * the one before, by hard links: a listing only looks at names and sizes.
 */
export async function addPoints(place: PointsPlace, count: number): Promise<void> {
  const signer = parseSigner(new Secret(await readFile(place.signingKeyFile, 'utf8')))
  let last = await onlyPoint(place)
  const now = Date.parse(last.commit.created)
  for (let added = 1; added <= count; added++) {
    last = await addCommit(place, signer, { last, created: new Date(now - (count - added + 1) * DAY) })
    if (added % 7 === 0) await addDrill(place, signer, last)
  }
}

async function onlyPoint(place: PointsPlace): Promise<Last> {
  const [name, ...others] = await readdir(join(place.repositoryFolder, POINTS))
  if (name === undefined || others.length > 0)
    throw new Failure('bug', 'the repository of the bench does not have one point')
  const bytes = await readFile(join(place.repositoryFolder, POINTS, name))
  const { payload } = envelopeSchema.parse(JSON.parse(bytes.toString('utf8')))
  return {
    commit: commitSchema.parse(JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))),
    sha256: sha256(bytes),
  }
}

interface NextCommit {
  readonly last: Last
  readonly created: Date
}

async function addCommit(place: PointsPlace, signer: Signer, { last, created }: NextCommit): Promise<Last> {
  const commit: Commit = {
    ...last.commit,
    point: v7({ msecs: created.getTime() }).replaceAll('-', ''),
    sequence: last.commit.sequence + 1,
    previous: last.sha256,
    created: created.toISOString(),
  }
  await linkData(place, last.commit.point, commit.point)
  const bytes = signDocument('commit', commit, signer)
  await put(place, commitName(commit.point), bytes)
  return { commit, sha256: sha256(bytes) }
}

async function linkData({ repositoryFolder }: PointsPlace, from: string, to: string): Promise<void> {
  const folderOf = (point: string): string => join(repositoryFolder, dataPrefix(point))
  const [source, target] = [folderOf(from), folderOf(to)]
  await mkdir(target)
  for (const name of await readdir(source)) await link(join(source, name), join(target, name))
}

async function addDrill(place: PointsPlace, signer: Signer, { commit, sha256: commitSha256 }: Last): Promise<void> {
  const created = new Date(Date.parse(commit.created) + DAY / 24)
  const { format, repository, point, software } = commit
  const proof: Proof = {
    format,
    repository,
    point,
    kind: 'drill',
    created: created.toISOString(),
    software,
    ok: true,
    commitSha256,
    facts: {},
  }
  await put(place, proofName(point, created, 'drill'), signDocument('proof', proof, signer))
}

async function put(place: PointsPlace, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(place.repositoryFolder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes, { flag: 'wx' })
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const listing = z.object({ points: z.array(z.unknown()), damaged: z.array(z.unknown()) })

/** A quick answer that is wrong is no answer. */
export function requirePoints(stdout: string, expected: number): void {
  const { points, damaged } = listing.parse(JSON.parse(stdout))
  if (points.length === expected && damaged.length === 0) return
  throw new Failure(
    'bug',
    `holdfast points listed ${points.length} points and ${damaged.length} damaged ones, not ${expected} and 0`,
  )
}
