import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { postgresSettings } from '../components/postgres/schema.ts'
import { isFailure } from '../core/failure.ts'
import { SecretReference } from '../system/secret-reference.ts'
import { parseConfig } from './load-config.ts'

const LINES = `POSTGRES_PASSWORD='s3cret/$x'
DATABASE_URL=postgres://certctl:pass%2Fword@db.internal:6432/certctl?sslmode=require
PUT_TOGETHER="postgres://certctl:\${PLAIN}@postgres/certctl"
PLAIN=plain
ELSEWHERE=postgres://a:$NOT_HERE@h/d
OTHER=mysql://a/b
`
let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-url-'))
  await writeFile(join(folder, '.env'), LINES)
})
after(() => rm(folder, { recursive: true }))

function database(settings: Record<string, unknown>): Readonly<Record<string, unknown>> {
  const text = JSON.stringify({
    version: 1,
    repositories: { main: { url: 'file:///srv/r' } },
    apps: { certctl: { repositories: ['main'], components: { database: { kind: 'postgres', ...settings } } } },
  })
  const config = parseConfig(text, {
    path: 'holdfast.yaml',
    isPrivate: true,
    componentSchemas: { postgres: postgresSettings },
    environment: { variables: {}, userId: 0 },
  })
  assert.deepEqual(config.warnings, [])
  return config.apps['certctl']?.components['database'] ?? {}
}

const from = (name: string, file = '.env') => ({ from: { file: join(folder, file), name } })

async function passwordOf({ password }: Readonly<Record<string, unknown>>): Promise<string> {
  assert.ok(password instanceof SecretReference)
  return (await password.resolve()).reveal()
}

test('host, port, user, database and password come from the URL in an environment file', async () => {
  const found = database(from('DATABASE_URL'))
  assert.deepEqual(
    [found['host'], found['port'], found['user'], found['database'], found['tls']],
    ['db.internal', 6432, 'certctl', 'certctl', 'require'],
  )
  assert.equal(await passwordOf(found), 'pass/word')
  assert.ok(!JSON.stringify(found).includes('word@'))
})

test('what is written beside it counts more, and other variables are put in', async () => {
  const found = database({ ...from('PUT_TOGETHER'), host: '127.0.0.1', port: 15432 })
  assert.deepEqual([found['host'], found['port'], found['user']], ['127.0.0.1', 15432, 'certctl'])
  assert.equal(await passwordOf(found), 'plain')
})

test('a password that is a variable of its own is read as it is', async () => {
  const password = `envfile:${join(folder, '.env')}#POSTGRES_PASSWORD`
  assert.equal(await passwordOf(database({ user: 'a', database: 'b', password })), 's3cret/$x')
})

test('what cannot be read is said with its place, and never with a value', () => {
  for (const [settings, said] of [
    [from('MISSING'), /12:|has no variable MISSING/],
    [from('DATABASE_URL', 'other'), /cannot be read/],
    [from('ELSEWHERE'), /refers to \$NOT_HERE/],
    [from('OTHER'), /is no URL such as postgres:/],
    [{ from: { file: 'relative', name: 'A' } }, /relative/],
  ] as const)
    assert.throws(
      () => database(settings),
      (error) => isFailure(error, 'usage') && said.test(error.message) && !/pass%2F|s3cret|mysql/.test(error.message),
    )
})
