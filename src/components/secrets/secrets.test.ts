import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { isFailure } from '../../core/failure.ts'
import type { Bytes, Context, Effects } from '../../core/ports.ts'
import { bytesOfSecret, secretOfBytes } from '../../core/texts/secret-bytes.ts'
import { systemClock } from '../../system/clock.ts'
import { directEffects } from '../../system/effects.ts'
import type { RestoreTarget } from '../target.ts'
import type { ArtifactSource } from '../transfer.ts'
import { isNothingThere } from '../nothing-there.ts'
import { readRecords, recordLine } from '../secret-record.ts'
import { secretsDriver } from './driver.ts'
import { SIZE_LIMIT } from './read-secret.ts'
import type { SecretsDetails, SecretsSettings } from './schema.ts'

const ID = '1a2b3c4d'
const context = contextWith(directEffects)

function contextWith(effects: Effects): Context {
  return { clock: systemClock, effects, signal: new AbortController().signal, progress: () => {} }
}

/** A host with a key, an environment file, a binary file and a YAML file. */
async function newHost(t: TestContext): Promise<{ readonly folder: string; readonly settings: SecretsSettings }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-secrets-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = (name: string): string => join(folder, name)
  await writeFile(file('masterkey'), 'a key\n', { mode: 0o440 })
  await writeFile(file('.env'), '# who reads it\nA="one"\nB=two # a comment\n', { mode: 0o600 })
  await writeFile(file('binary'), Buffer.from([0, 255, 10, 13, 128]))
  await writeFile(file('config.yaml'), YAML, { mode: 0o640 })
  const settings = secretsDriver.settings.parse({
    kind: 'secrets',
    secrets: {
      masterkey: { file: file('masterkey') },
      env: { file: file('.env') },
      binary: { file: file('binary') },
      smtp: { file: file('config.yaml'), yamlKey: ['smtp', 'password'] },
      pin: { file: file('config.yaml'), yamlKey: ['pin'] },
    },
  })
  return { folder, settings }
}
const YAML = '# kept\nsmtp:\n  host: mail # kept too\n  password: "s3cret"\npin: 0042\n'

interface Captured {
  readonly details: SecretsDetails
  readonly source: ArtifactSource
  readonly content: Buffer
}

async function capture(settings: SecretsSettings): Promise<Captured> {
  const chunks: Uint8Array[] = []
  const write = async (_role: string, _kind: string, content: Bytes): Promise<void> => {
    for await (const chunk of content) chunks.push(Buffer.from(chunk))
  }
  const { details } = await secretsDriver.capture(settings, { write }, context)
  const content = Buffer.concat(chunks)
  return { details, content, source: sourceOf(content) }
}

function sourceOf(content: Buffer): ArtifactSource {
  // Seven bytes at a time cut every record anywhere; of megabytes, that takes ten seconds.
  const step = content.length > 100_000 ? 65_537 : 7
  return {
    roles: ['secrets'],
    sizeOf: () => content.length,
    async *read() {
      for (let from = 0; from < content.length; from += step)
        yield await Promise.resolve(content.subarray(from, from + step))
    },
  }
}

function open(
  settings: SecretsSettings,
  mode: 'swap' | 'in-place' | 'scratch' = 'swap',
  scratchFolder = '',
): Promise<RestoreTarget<SecretsDetails>> {
  return secretsDriver.open(settings, { mode, restoreId: ID, scratchFolder }, context)
}

async function contents(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).filter((name) => !name.includes('.holdfast-')).sort()
  const entries = await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'latin1')]))
  return Object.fromEntries(entries) as Record<string, string>
}

async function ruin(folder: string): Promise<void> {
  await writeFile(join(folder, 'masterkey'), 'another').catch(async () => {
    await rm(join(folder, 'masterkey'))
    await writeFile(join(folder, 'masterkey'), 'another')
  })
  await rm(join(folder, 'binary'))
  await writeFile(join(folder, 'config.yaml'), YAML.replace('s3cret', 'changed').replace('mail', 'other'))
}

test('every byte comes back, and what is equal is left alone', async (t) => {
  const { folder, settings } = await newHost(t)
  const original = await contents(folder)
  const captured = await capture(settings)
  const untouched = (await stat(join(folder, '.env'))).ino
  await ruin(folder)
  const target = await open(settings)
  await target.load(captured.details, captured.source, context)
  assert.equal(await target.state(context), 'staged')
  assert.deepEqual(await target.compare(captured.details, context), [])
  await target.swap(captured.details, context)
  assert.equal(await target.state(context), 'swapped')
  const restored = await contents(folder)
  assert.deepEqual({ ...restored, 'config.yaml': '' }, { ...original, 'config.yaml': '' })
  assert.equal(restored['config.yaml'], YAML.replace('mail', 'other'), 'only the values, in the file as it is now')
  assert.equal((await stat(join(folder, '.env'))).ino, untouched)
  await target.undo(context)
  const { masterkey, binary } = await contents(folder)
  assert.deepEqual([masterkey, binary, await target.state(context)], ['another', undefined, 'untouched'])
  await target.undo(context)
  await target.forget(context)
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes('holdfast')),
    [],
  )
})

test('a value that was captured with a mode gets it back where nothing is left', async (t) => {
  const { folder, settings } = await newHost(t)
  const captured = await capture(settings)
  await rm(join(folder, 'masterkey'))
  const target = await open(settings, 'in-place')
  await target.load(captured.details, captured.source, context)
  assert.equal((await stat(join(folder, 'masterkey'))).mode & 0o777, 0o440)
  assert.deepEqual(await target.compare(captured.details, context), [])
})

test('restored to a folder, each is a private file of a private folder', async (t) => {
  const { folder, settings } = await newHost(t)
  const captured = await capture(settings)
  const restoreFolder = join(folder, 'restored')
  const target = await open({ ...settings, restoreFolder })
  await target.load(captured.details, captured.source, context)
  await target.swap(captured.details, context)
  assert.equal((await stat(restoreFolder)).mode & 0o777, 0o700)
  for (const name of Object.keys(settings.secrets))
    assert.equal((await stat(join(restoreFolder, name))).mode & 0o777, 0o600, name)
  const restored = await contents(restoreFolder)
  assert.deepEqual([restored['masterkey'], restored['smtp'], restored['pin']], ['a key\n', 's3cret', '0042'])
})

test('compare finds a value that is another, without saying it', async (t) => {
  const { folder, settings } = await newHost(t)
  const captured = await capture(settings)
  const target = await open(settings, 'in-place')
  await target.load(captured.details, captured.source, context)
  await chmod(join(folder, '.env'), 0o600)
  await writeFile(join(folder, '.env'), 'A=stolen')
  const differences = await target.compare(captured.details, context)
  assert.deepEqual(
    differences.map(({ subject }) => subject),
    ['secret env'],
  )
  assert.equal(differences[0]?.found, 'another value')
})

test('artifacts that are not those of the manifest are corrupt', async (t) => {
  const { settings } = await newHost(t)
  const { details, content } = await capture(settings)
  const lines = content.toString('utf8').split('\n')
  const planted = {
    changed: content.toString('utf8').replace('a key', 'b key'),
    missing: lines.slice(1).join('\n'),
    'cut off': content.toString('utf8').slice(0, -5),
    'one too many':
      content.toString('utf8') +
      recordLine({ name: 'more', value: secretOfBytes(Buffer.from('x')), source: {} }).toString(),
    'no JSON': `s3cret\n${content.toString('utf8')}`,
  }
  for (const [what, text] of Object.entries(planted))
    await assert.rejects(
      secretsDriver.examine(details, sourceOf(Buffer.from(text)), context),
      (error: unknown) => {
        assert.ok(!inspect(error).includes('s3cret'), `${what} shows a value`)
        return error instanceof Error && 'kind' in error && error.kind === 'corrupt'
      },
      what,
    )
})

test('check points at line breaks, at what two readers read differently, and at what is not there', async (t) => {
  const { folder, settings } = await newHost(t)
  const secrets = { ...settings.secrets, gone: { file: join(folder, 'gone') } }
  const findings = await secretsDriver.check({ ...settings, secrets }, context)
  const said = findings.map(({ level, subject, message }) => `${level} ${subject}: ${message}`).join('\n')
  assert.match(said, /warning secret masterkey: .* ends with a line break/)
  assert.match(said, /warning secret env: variable B has a comment after it/)
  assert.match(said, /error secret gone: secret gone is not there/)
  assert.match(said, /ok secret binary/)
  assert.doesNotMatch(said, /a key|s3cret/)
  await assert.rejects(capture({ ...settings, secrets }), { kind: 'notFound' })
})

test('secrets that are all gone leave a restore nothing to save, one of many does not', async (t) => {
  const { folder, settings } = await newHost(t)
  await rm(join(folder, 'masterkey'))
  await assert.rejects(capture(settings), (error) => isFailure(error, 'notFound') && !isNothingThere(error))
  await rm(folder, { recursive: true })
  await assert.rejects(capture(settings), isNothingThere)
  await assert.rejects(capture(secretsDriver.settings.parse({ kind: 'secrets', folder })), isNothingThere)
  const withVariable = { kind: 'secrets', secrets: { key: { environment: 'HOLDFAST_TEST_OF_NO_VARIABLE' } } }
  await assert.rejects(capture(secretsDriver.settings.parse(withVariable)), (error) => !isNothingThere(error))
})

test('fingerprints are keyed: the same value has another one in the next point', async (t) => {
  const { settings } = await newHost(t)
  const [first, second] = [await capture(settings), await capture(settings)]
  const shown = [first, second].map(({ details }) => secretsDriver.secrets?.fingerprints?.(details)[0])
  assert.match(shown[0]?.fingerprint ?? '', /^[0-9a-f]{16}$/)
  assert.notEqual(shown[0]?.fingerprint, shown[1]?.fingerprint)
  assert.equal(shown[0]?.trailingNewline, true)
  assert.ok(!JSON.stringify(shown).includes(first.details.fingerprintKey))
})

test('a record keeps any bytes', async () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('"\\\n€'),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('\uFEFFx'),
    Buffer.alloc(70_000, 1),
  ]) {
    const line = recordLine({ name: 'n', value: secretOfBytes(bytes), source: {} })
    const values: Buffer[] = []
    for await (const { value } of readRecords(sourceOf(Buffer.from(line)).read('secrets')))
      values.push(bytesOfSecret(value))
    assert.deepEqual(values, [bytes])
  }
})

test('a value of a YAML file keeps how it was written, and awkward ones are quoted', async (t) => {
  const { folder, settings } = await newHost(t)
  const captured = await capture(settings)
  for (const [smtp, pin] of [
    ["'it''s'", '17'],
    ['|\n    two\n    lines', '"17"'],
    ['plain', '0x17'],
  ]) {
    const text = `# kept\nsmtp:\n  password: ${smtp ?? ''}\npin: ${pin ?? ''} # kept\nother: 0017\n`
    await writeFile(join(folder, 'config.yaml'), text)
    const target = await open(settings, 'swap')
    await target.load(captured.details, captured.source, context)
    assert.deepEqual(await target.compare(captured.details, context), [], text)
    await target.swap(captured.details, context)
    const written = await readFile(join(folder, 'config.yaml'), 'utf8')
    assert.match(written, /^# kept\nsmtp:\n {2}password: ["s3cret]+\npin: ["0042]+ # kept\nother: 0017\n$/)
    await target.undo(context)
    await target.forget(context)
  }
  await writeFile(join(folder, 'config.yaml'), 'smtp: {}\npin: 1\n')
  const target = await open(settings)
  await assert.rejects(target.load(captured.details, captured.source, context), { kind: 'notFound' })
})

test('the largest secret comes back whatever its bytes are', async () => {
  const values = [
    Buffer.alloc(SIZE_LIMIT, 1),
    Buffer.alloc(SIZE_LIMIT, 0),
    Buffer.alloc(SIZE_LIMIT, '"'),
    Buffer.alloc(SIZE_LIMIT, 255),
  ]
  for (const bytes of values) {
    const line = recordLine({ name: 'n', value: secretOfBytes(bytes), source: {} })
    for await (const { value } of readRecords(sourceOf(Buffer.from(line)).read('secrets')))
      assert.ok(bytesOfSecret(value).equals(bytes))
  }
})

test('the preflight finds a file of single values that is not there, and a folder that is not', async (t) => {
  const { folder } = await newHost(t)
  const at = (file: string, variable?: string): SecretsSettings =>
    secretsDriver.settings.parse({ kind: 'secrets', secrets: { key: { file: join(folder, file), variable } } })
  const { details } = await capture(at('.env', 'A'))
  const preflight = async (settings: SecretsSettings): Promise<string> => {
    const [finding, ...more] = (await (await open(settings)).preflight?.(details, context)) ?? []
    assert.deepEqual(more, [])
    return `${finding?.level ?? ''}: ${finding?.message ?? ''} ${finding?.hint ?? ''}`
  }
  assert.match(await preflight(at('.env', 'A')), /^ok: /)
  assert.match(await preflight(at('new-file')), /^ok: /)
  assert.match(await preflight(at('new.env', 'A')), /^error: .*new\.env is not there.* a new one with A=/)
  assert.match(await preflight(at('.env', 'LOST')), /^error: .*no variable LOST.*the line LOST=/)
  assert.match(await preflight(at('no-folder/key')), /^error: there is no folder .*no-folder.*Make the folder/)
  const ours = secretsDriver.settings.parse({ ...at('.env', 'A'), restoreFolder: join(folder, 'made', 'by us') })
  assert.match(await preflight(ours), /^ok: /)
})
