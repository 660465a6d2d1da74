import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { busybox, debianRootFilesystem } from '../root-filesystem.ts'
import type { EngineApi } from './api.ts'

/** Debian with PostgreSQL 15, `bash` and `perl`. */
export const POSTGRES_IMAGE = 'holdfast.test/postgres:15'
/** What a small image has: busybox, by all its names. */
export const BUSYBOX_IMAGE = 'holdfast.test/busybox:1'
/** One program, `/sleep`: no shell, no cat. */
export const BARE_IMAGE = 'holdfast.test/bare:1'

/** Imports what the engine does not hold yet. No registry is asked. */
export async function loadImages(api: EngineApi): Promise<void> {
  await load(api, POSTGRES_IMAGE, debianRootFilesystem, [
    'ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'ENTRYPOINT ["/usr/bin/tini","--"]',
  ])
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-images-'))
  try {
    await load(api, BUSYBOX_IMAGE, () => smallRoot(join(folder, 'small')), ['ENV PATH=/bin'])
    await load(api, BARE_IMAGE, () => bareRoot(join(folder, 'bare')), ['CMD ["/sleep","1000000"]'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function load(api: EngineApi, image: string, root: () => Promise<string>, changes: string[]): Promise<void> {
  if ((await api.ask('GET', `/images/${image}/json`)).status === 200) return
  const [repo = '', tag = ''] = image.split(':')
  const query = new URLSearchParams({ fromSrc: '-', repo, tag })
  for (const change of changes) query.append('changes', change)
  const archive = spawn('tar', ['-C', await root(), '--numeric-owner', '-c', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await api.must('POST', `/images/create?${query.toString()}`, archive.stdout)
  if ((await api.ask('GET', `/images/${image}/json`)).status !== 200) throw new Error(`${image} could not be imported`)
}

async function smallRoot(folder: string): Promise<string> {
  await mkdir(join(folder, 'bin'), { recursive: true })
  await mkdir(join(folder, 'tmp'))
  const program = await busybox()
  await cp(program, join(folder, 'bin', 'busybox'))
  const { stdout } = await promisify(execFile)(program, ['--list'])
  const names = stdout.trim().split('\n')
  for (const name of names.filter((each) => each !== 'busybox')) await symlink('busybox', join(folder, 'bin', name))
  return folder
}

/** It is what the first word of its command line says. */
async function bareRoot(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await cp(await busybox(), join(folder, 'sleep'))
  return folder
}
