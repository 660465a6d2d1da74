import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Bytes, Context } from '../../core/ports.ts'
import { systemClock } from '../../system/clock.ts'
import { directEffects } from '../../system/effects.ts'
import type { RestoreTarget } from '../target.ts'
import type { ArtifactSource } from '../transfer.ts'
import { secretsDriver } from './driver.ts'
import type { SecretsDetails, SecretsSettings } from './schema.ts'

/** Secrets that are no whole files with names of their own. */
const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => {},
}
const VARIABLE = 'HOLDFAST_TEST_SECRET_OF_THE_ENVIRONMENT'

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-sources-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const settingsOf = (settings: object): SecretsSettings => secretsDriver.settings.parse({ kind: 'secrets', ...settings })

interface Point {
  readonly details: SecretsDetails
  readonly notCaptured: readonly string[]
  readonly source: ArtifactSource
}

async function capture(settings: SecretsSettings): Promise<Point> {
  const chunks: Uint8Array[] = []
  const write = async (_role: string, _kind: string, content: Bytes): Promise<void> => {
    for await (const chunk of content) chunks.push(Buffer.from(chunk))
  }
  const { details, notCaptured } = await secretsDriver.capture(settings, { write }, context)
  const content = Buffer.concat(chunks)
  const source: ArtifactSource = {
    roles: ['secrets'],
    sizeOf: () => content.length,
    async *read() {
      yield await Promise.resolve(content)
    },
  }
  return { details: secretsDriver.details.parse(JSON.parse(JSON.stringify(details))), notCaptured, source }
}

async function restored(settings: SecretsSettings, { details, source }: Point): Promise<RestoreTarget<SecretsDetails>> {
  const target = await secretsDriver.open(settings, { mode: 'swap', restoreId: '1a2b3c4d' }, context)
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  await target.swap(details, context)
  await target.reopen(context)
  return target
}

const visible = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()

test('a variable of an environment file is captured and put back, and every other byte stays', async (t) => {
  const file = join(await newFolder(t), '.env')
  const text = (key: string): string =>
    `# kept\r\n  export KEY = ${key}  # kept too\r\nB='x y'\r\nKEY2=1\nno assignment`
  await writeFile(file, text("'a $key'"), { mode: 0o640 })
  const settings = settingsOf({ secrets: { key: { file, variable: 'KEY' } } })
  const point = await capture(settings)
  assert.deepEqual([point.details.secrets[0]?.bytes, point.details.secrets[0]?.variable], [6, 'KEY'])
  for (const other of ['"another"', 'plain', "''"]) {
    await writeFile(file, text(other))
    const target = await restored(settings, point)
    assert.equal(await readFile(file, 'utf8'), text("'a $key'"), other)
    assert.equal((await stat(file)).mode & 0o777, 0o640)
    await target.undo(context)
    assert.equal(await readFile(file, 'utf8'), text(other))
    await target.forget(context)
  }
  await writeFile(file, 'OTHER=1\n')
  await assert.rejects(restored(settings, point), { kind: 'notFound', message: /has no variable KEY/ })
})

test('text in another encoding is not touched for a single value', async (t) => {
  const file = join(await newFolder(t), '.env')
  await writeFile(file, 'KEY=one\n')
  const settings = settingsOf({ secrets: { key: { file, variable: 'KEY' } } })
  const point = await capture(settings)
  const latin = Buffer.from('# caf\xe9\nKEY=two\n', 'latin1')
  await writeFile(file, latin)
  await assert.rejects(restored(settings, point), { kind: 'unsupported' })
  assert.deepEqual(await readFile(file), latin)
})

test('a folder: each file is a secret, also where nothing of it is left', async (t) => {
  const folder = join(await newFolder(t), 'secrets')
  await mkdir(folder)
  await writeFile(join(folder, 'db_password'), 'one\n', { mode: 0o440 })
  await writeFile(join(folder, 'tls.key'), Buffer.from([0, 255]), { mode: 0o400 })
  await writeFile(join(folder, '.hidden'), 'x')
  const settings = settingsOf({ folder })
  const point = await capture(settings)
  assert.deepEqual(
    point.details.secrets.map(({ name }) => name),
    ['db_password', 'tls.key'],
  )
  assert.match(point.notCaptured.join(), /\.hidden/)
  await writeFile(join(folder, 'db_password'), 'two', { mode: 0o440 })
  const target = await restored(settings, point)
  assert.equal(await readFile(join(folder, 'db_password'), 'utf8'), 'one\n')
  const [kept, ...more] = await secretsDriver.listRetained(settings, context)
  assert.ok(kept?.restoreId === '1a2b3c4d' && more.length === 0)
  assert.equal(await secretsDriver.retainedBytes?.(settings, kept, context), 'two'.length)
  await target.undo(context)
  assert.equal(await readFile(join(folder, 'db_password'), 'utf8'), 'two')
  await target.forget(context)
  await rm(folder, { recursive: true })
  const again = await restored(settings, point)
  assert.deepEqual(await visible(folder), ['db_password', 'tls.key'])
  assert.equal((await stat(join(folder, 'tls.key'))).mode & 0o777, 0o400)
  assert.equal(await again.state(context), 'swapped')
  await again.undo(context)
  assert.deepEqual(await visible(folder), [])
})

test('what stands in a folder and is no secret is said', async (t) => {
  const folder = await newFolder(t)
  const said = async (settings: SecretsSettings): Promise<string> =>
    (await secretsDriver.check(settings, context)).map(({ level, message }) => `${level} ${message}`).join('\n')
  assert.match(
    await said(settingsOf({ folder: join(folder, 'gone') })),
    /error the folder of secrets .* cannot be read/,
  )
  await writeFile(join(folder, 'key'), 'x')
  assert.match(
    await said(settingsOf({ folder, secrets: { key: { file: '/other' } } })),
    /error secret key is there twice/,
  )
  await writeFile(join(folder, 'a b'), 'x')
  await assert.rejects(capture(settingsOf({ folder })), { kind: 'unsupported', message: /a b has a name/ })
})

test('a variable of the environment is captured, and restored to a folder only', async (t) => {
  t.after(() => Reflect.deleteProperty(process.env, VARIABLE))
  const settings = settingsOf({ secrets: { key: { environment: VARIABLE } } })
  await assert.rejects(capture(settings), { kind: 'notFound', message: new RegExp(VARIABLE) })
  process.env[VARIABLE] = 'a value'
  const point = await capture(settings)
  assert.equal(secretsDriver.secrets?.fingerprints?.(point.details)[0]?.source, `environment variable ${VARIABLE}`)
  const same = await restored(settings, point)
  await same.undo(context)
  process.env[VARIABLE] = 'another value'
  const target = await secretsDriver.open(settings, { mode: 'swap', restoreId: '1a2b3c4d' }, context)
  const [finding] = await target.preflight(point.details, context)
  assert.equal(finding?.level, 'error')
  assert.match(finding?.hint ?? '', /restoreFolder/)
  await assert.rejects(restored(settings, point), { kind: 'refused' })
  const restoreFolder = join(await newFolder(t), 'restored')
  await restored({ ...settings, restoreFolder }, point)
  assert.equal(await readFile(join(restoreFolder, 'key'), 'utf8'), 'a value')
})

test('settings that name no place, two places, or nothing are refused', () => {
  for (const secrets of [
    { key: {} },
    { key: { file: '/a', environment: 'A' } },
    { key: { environment: 'A', variable: 'B' } },
    { key: { file: '/a', variable: 'B', yamlKey: ['c'] } },
    {},
  ])
    assert.throws(() => settingsOf({ secrets }), JSON.stringify(secrets))
})

test('files of a folder come back whatever they are called', async (t) => {
  const folder = await newFolder(t)
  const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'A', 'a', '0', 'a.b', '_']
  for (const name of names) await writeFile(join(folder, name), `captured ${name}`)
  const settings = settingsOf({ folder })
  const point = await capture(settings)
  assert.deepEqual(point.details.secrets.map(({ name }) => name).toSorted(), names.toSorted())
  for (const name of names) await rm(join(folder, name))
  await restored(settings, point)
  for (const name of names) assert.equal(await readFile(join(folder, name), 'utf8'), `captured ${name}`)
})

test('a name that no map keeps is refused, and not passed over', () => {
  const given = { kind: 'secrets', secrets: JSON.parse('{"__proto__":{"file":"/k"},"a":{"file":"/a"}}') as unknown }
  const parsed = secretsDriver.settings.safeParse(given)
  assert.match(parsed.error?.issues[0]?.message ?? '', /__proto__/)
})
