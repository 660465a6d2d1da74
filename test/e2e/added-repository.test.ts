import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parse } from 'yaml'
import { readFile } from 'node:fs/promises'
import type { CheckReport } from '../../src/operations/check/check.ts'
import type { PointsReport } from '../../src/operations/points/list-points.ts'
import {
  addRepository,
  emptyHost,
  filesHost,
  keptFile,
  recipientsOf,
  writeConfig,
  type FilesHost,
} from './files-host.ts'
import type { ConfigFile } from './lab.ts'

/** Every repository of an app can be opened with the password alone, also one that was added later. */

interface Listed {
  readonly keys: readonly { readonly repository: string; readonly name: string; readonly recipient: string }[]
}

/** On a host that has nothing but this repository and the password. */
async function restoresFrom(t: TestContext, url: string): Promise<void> {
  const fresh = await emptyHost(t)
  await mkdir(join(fresh.folder, 'srv'))
  await writeConfig(fresh, {}, url)
  const { points } = await fresh.json<PointsReport>(['points'])
  assert.ok(points.length > 0, url)
  for (const { point } of points) {
    await rm(join(fresh.folder, 'data'), { recursive: true, force: true })
    await fresh.json(['restore', '--at', point, '--yes', '--no-safety-point'])
    assert.equal(await keptFile(fresh), 'kept')
  }
}

async function urlsOf({ config }: FilesHost): Promise<readonly string[]> {
  // Written by this test and by init.
  const { repositories } = parse(await readFile(config, 'utf8')) as ConfigFile
  return Object.values(repositories).map(({ url }) => String(url))
}

async function errorsOf(host: FilesHost, code: number): Promise<readonly string[]> {
  const { repositories } = await host.json<CheckReport>(['check'], code)
  return repositories.flatMap(({ findings }) =>
    findings.filter(({ level }) => level === 'error').map(({ message }) => message),
  )
}

for (const [how, recipients] of [
  ['with the same recipients', (host: FilesHost) => recipientsOf(host, 'main')],
  ['without recipients', () => Promise.resolve([])],
] as const) {
  test(`init locks the private key of the app into a repository that was added ${how}`, async (t) => {
    const host = await filesHost(t)
    await host.json(['backup'])
    await addRepository(host, 'offsite', await recipients(host))
    await host.json(['init'])
    assert.deepEqual(await recipientsOf(host, 'offsite'), await recipientsOf(host, 'main'))
    const { keys } = await host.json<Listed>(['key', 'list'])
    assert.deepEqual(
      keys.map(({ repository, name }) => [repository, name]),
      [
        ['main', 'recovery'],
        ['offsite', 'recovery'],
      ],
    )
    assert.equal(new Set(keys.map(({ recipient }) => recipient)).size, 1)
    await host.json(['backup'])
    assert.deepEqual(await errorsOf(host, 0), [])
    for (const url of await urlsOf(host)) await restoresFrom(t, url)
    assert.equal((await host.runWith({}, 'init')).code, 0, 'nothing is asked where nothing is to be done')
  })
}

test('a repository that no known key opens is red in check and backup until init gives it the key', async (t) => {
  const host = await filesHost(t)
  const url = await addRepository(host, 'offsite', await recipientsOf(host, 'main'))
  await host.json(['init', '--no-password', '--identity-file', join(host.folder, 'none')], 3)
  assert.match((await errorsOf(host, 13)).join(), /no private key that is known opens its restore points/)
  const { report } = await host.json<{ report: { outcome: string } }>(['backup'], 3)
  assert.equal(report.outcome, 'incomplete')
  // Also where nobody remembers that backup.
  await rm(join(host.folder, 'state'), { recursive: true })
  assert.match(
    (await host.run('status')).out,
    /AT RISK +offsite: no private key that is known opens its restore points/,
  )
  const wrong = await host.runWith({ HOLDFAST_PASSWORD: 'not the password of it' }, 'init')
  assert.equal(wrong.code, 12, wrong.error)
  await host.json(['init'])
  assert.deepEqual(await errorsOf(host, 0), [])
  await host.json(['backup'])
  await restoresFrom(t, url)
})
