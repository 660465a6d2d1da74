import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Secret } from '../../src/core/secret.ts'
import { findTools } from '../../src/components/postgres/tools/tools.ts'
import { testContext } from '../parts/postgres.ts'
import { backUp } from './expect.ts'
import { PASSWORD, startReadyLab } from './lab.ts'
import { readDatabase, readFiles, readLive } from './live.ts'
import { recoveryPython } from './recovery-python.ts'

/**
 * Somebody who has never seen Holdfast, with a copy of the repository, the password, and stock tools: recover.py from the
 * repository, pg_restore and tar. Nothing of ours but the repository is in reach of what runs here.
 */
const lab = await startReadyLab()
const point = await backUp(lab)
const original = await readLive(lab)
const place = await mkdtemp(join(tmpdir(), 'holdfast-newcomer-'))
after(() => rm(place, { recursive: true, force: true }))
const repository = join(place, 'repository')
await cp(lab.repository, repository, { recursive: true })
const python = await recoveryPython()
const { server } = lab.postgres

interface Ended {
  readonly code: number
  readonly text: string
}

function execute(
  file: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: place,
    PYTHONDONTWRITEBYTECODE: '1',
    LC_ALL: 'C.UTF-8',
    ...variables,
  }
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { env, cwd: place }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: stdout + stderr })
    })
  })
}

const recover = (command: string, ...args: readonly string[]): Promise<Ended> =>
  execute(python, [join(repository, 'recover.py'), command, repository, ...args, '--name', 'recovery'], {
    HOLDFAST_PASSWORD: PASSWORD,
  })

const connection = {
  PGHOST: server.host,
  PGPORT: String(server.port),
  PGUSER: server.user,
  PGPASSWORD: server.password instanceof Secret ? server.password.reveal() : '',
}

async function must(ended: Promise<Ended>): Promise<string> {
  const { code, text } = await ended
  assert.equal(code, 0, text)
  return text
}

test('the repository says how to recover it, and its script lists, shows and checks the point', async () => {
  assert.match(await readFile(join(repository, 'README.txt'), 'utf8'), /HOW TO RECOVER THIS WITHOUT HOLDFAST/)
  assert.match(await must(recover('list')), new RegExp(point))
  assert.match(await must(recover('show', 'latest')), /database[\s\S]*files/)
  assert.match(await must(recover('check', 'latest')), /every byte of \d+ artifacts was read, decrypted and compared/)
})

test('the database comes back with pg_restore, equal to what was backed up', async () => {
  await must(recover('extract', point, join(place, 'recovered')))
  const { pgRestore } = (await findTools(undefined, testContext())).at(-1)!
  await lab.postgres.sql('postgres', "create database newcomer template template0 encoding 'UTF8'")
  const dump = (await readdir(join(place, 'recovered'))).find((name) => name.endsWith('.dump')) ?? ''
  await must(execute(pgRestore, ['--exit-on-error', '-d', 'newcomer', join(place, 'recovered', dump)], connection))
  assert.deepEqual(await readDatabase(lab, 'newcomer'), original.database)
})

test('the files come back with tar, with their content, modes and links', async () => {
  const tar = (await readdir(join(place, 'recovered'))).find((name) => name.endsWith('.tar')) ?? ''
  const unpacked = join(place, 'unpacked')
  await mkdir(unpacked)
  await must(execute('tar', ['-xpf', join(place, 'recovered', tar), '-C', unpacked]))
  assert.deepEqual(await readFiles(unpacked), original.files)
})

test('a wrong password and a flipped bit are told apart', async () => {
  const denied = await execute(
    python,
    [join(repository, 'recover.py'), 'check', repository, 'latest', '--name', 'recovery'],
    { HOLDFAST_PASSWORD: 'not the password' },
  )
  assert.equal(denied.code, 12, denied.text)
  assert.match(denied.text, /password/)
  const artifact = join(repository, 'data', point, '000001')
  await must(
    execute(python, [
      '-c',
      `f=open(${JSON.stringify(artifact)},'r+b'); f.seek(200); b=f.read(1); f.seek(200); f.write(bytes([b[0]^1]))`,
    ]),
  )
  const damaged = await recover('check', 'latest')
  assert.equal(damaged.code, 30, damaged.text)
  assert.match(damaged.text, /000001/)
})
