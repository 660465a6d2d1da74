import assert from 'node:assert/strict'
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { withSession, type Server } from '../../src/components/postgres/connection/connection.ts'
import { isFailure } from '../../src/core/failure.ts'
import { Secret } from '../../src/core/secret.ts'
import { chooseRoute } from '../../src/platforms/routes/choose-route.ts'
import { openTunnel, type Tunnel } from '../../src/platforms/routes/open-tunnel.ts'
import { probePostgres } from '../../src/platforms/routes/postgres-start.ts'
import { provenOutput } from '../../src/platforms/routes/proven-output.ts'
import type { RouteKind } from '../../src/platforms/routes/route.ts'
import type { TunnelTls } from '../../src/platforms/routes/start-tls.ts'
import { LocalPlace } from '../../src/platforms/testing/local-place.ts'
import { until } from '../../src/platforms/testing/program-bytes.ts'
import { freePort } from '../../src/system/free-port.ts'
import { findAccount, isRoot } from '../../src/system/process/accounts.ts'
import { run } from '../../src/system/process/run.ts'
import { makeCertificates } from '../parts/certificates.ts'
import { folderOfPrograms } from '../parts/local-programs.ts'
import { asTestPostgres, startPrivate, testContext, type TestPostgres } from '../parts/postgres.ts'

const context = testContext()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-routes-'))
after(() => rm(folder, { recursive: true, force: true }))
const certificates = await makeCertificates(folder, 'routes')
const port = await freePort()
const postgres = await startListening()
await makeRows()
const encrypted: TunnelTls = {
  mode: 'verify-full',
  ca: await readFile(certificates.ca, 'utf8'),
  serverName: 'localhost',
  startTls: 'postgres',
}

/** A server that listens on the loopback, with TLS for who asks. */
async function startListening(): Promise<TestPostgres> {
  const owner = isRoot() ? await findAccount(['postgres', 'nobody']) : undefined
  for (const file of [certificates.certificate, certificates.key]) {
    await chmod(file, 0o600)
    if (owner !== undefined) await chown(file, owner.uid, owner.gid)
  }
  await chmod(folder, 0o755)
  const settings = { listen_addresses: '127.0.0.1', port: String(port), ssl: 'on' }
  const files = { ssl_cert_file: certificates.certificate, ssl_key_file: certificates.key }
  const listening = await startPrivate({ ...settings, ...files })
  return asTestPostgres({ ...listening.server, port }, listening.process)
}

async function makeRows(): Promise<void> {
  await postgres.createDatabase('source')
  await postgres.sql(
    'source',
    `create table public.rows as select n, md5(n::text) || repeat('x', 400) as text from generate_series(1, 50000) n;
     create table public.other as select * from public.rows where n < 20000; alter table public.rows add primary key (n)`,
  )
}

async function tunnelBy(
  programs: Readonly<Record<string, string>> | undefined,
  { tls, wanted = 'exec-relay', socket }: { tls?: TunnelTls; wanted?: RouteKind; socket?: string } = {},
): Promise<{ tunnel: Tunnel; place: LocalPlace; server: Server }> {
  const PATH = programs === undefined ? undefined : await folderOfPrograms(programs)
  const place = new LocalPlace({
    addresses: (inside) => [{ host: '127.0.0.1', port: inside }],
    ...(PATH === undefined ? {} : { environment: { PATH } }),
  })
  const { route } = await chooseRoute(place, { port, socket }, { route: wanted, probe: probePostgres }, context)
  const tunnel = await openTunnel(route, { name: '.s.PGSQL.5432', tls }, context)
  return { tunnel, place, server: { ...postgres.server, host: tunnel.folder, port: 5432 } }
}

function environmentOf({ host, user, password }: Server): Record<string, string> {
  assert.ok(password instanceof Secret)
  return { PGHOST: host, PGPORT: '5432', PGUSER: user, PGPASSWORD: password.reveal() }
}

function tool(server: Server, file: string, args: readonly string[]): Promise<{ stdout: string }> {
  return run({ file, args, environment: environmentOf(server), signal: context.signal, ...LIMITS })
}
const LIMITS = { idleLimit: 60_000, totalLimit: 60_000 }

const HASH = `select count(*)::int as count, md5(string_agg(md5(t::text), '' order by n)) as hash from public.rows t`

async function assertAllThrough(server: Server, isEncrypted: boolean): Promise<void> {
  const rows = async (database: string): Promise<unknown> =>
    withSession(server, database, context, async (session) => (await session.query(HASH)).rows)
  const ssl = await withSession(server, 'source', context, async (session) => {
    const { rows } = await session.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
    return rows[0]?.ssl
  })
  assert.equal(ssl, isEncrypted)
  const dump = await mkdtemp(join(folder, 'dump-'))
  await tool(server, 'pg_dump', ['-Fd', '-j2', '-Z0', '-f', join(dump, 'd'), 'source'])
  await postgres.createDatabase('copy')
  await tool(server, 'pg_restore', ['-j2', '--exit-on-error', '-d', 'copy', join(dump, 'd')])
  assert.deepEqual(await rows('copy'), await rows('source'))
}

async function end({ tunnel, place }: { tunnel: Tunnel; place: LocalPlace }): Promise<void> {
  await tunnel.close()
  await assert.rejects(stat(tunnel.folder))
  await until(async () => (await place.processes()).length === 0, 8000)
  assert.deepEqual(await place.processes(), [])
}

const relays: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bash: { bash: 'bash', dd: 'dd', sleep: 'sleep' },
  perl: { perl: 'perl' },
  python3: { python3: 'python3' },
  socat: { socat: 'socat' },
  'nc (traditional)': { nc: 'nc.traditional' },
  'nc (BusyBox)': { nc: 'busybox', sh: 'busybox', dd: 'busybox', sleep: 'busybox' },
}

for (const [name, programs] of Object.entries(relays)) {
  describe(`through a relay by ${name}`, { timeout: 120_000 }, () => {
    test('a session, pg_dump and pg_restore, side by side', async () => {
      const through = await tunnelBy(programs)
      await assertAllThrough(through.server, false)
      await end(through)
    })
    test('the same, encrypted', async () => {
      const through = await tunnelBy(programs, { tls: encrypted })
      await assertAllThrough(through.server, true)
      await end(through)
    })
  })
}

test('directly, and encrypted', async () => {
  const through = await tunnelBy(undefined, { wanted: 'direct', tls: encrypted })
  await assertAllThrough(through.server, true)
  await end(through)
})

test('pg_dump of the container, by exec, proven to be whole', async () => {
  const { password, user } = postgres.server
  assert.ok(password instanceof Secret)
  const place = new LocalPlace()
  const argv = ['pg_dump', '-Fc', '-h', '127.0.0.1', '-p', String(port), '-U', user, 'source'] as const
  const file = join(folder, 'by-exec.dump')
  await writeFile(file, provenOutput(place, argv, password, testContext()))
  const listed = await run({ file: 'pg_restore', args: ['-l', file], signal: context.signal, ...LIMITS })
  assert.match(listed.stdout, /TABLE DATA public rows/)
  const denied = provenOutput(place, argv, new Secret('wrong'), testContext())
  await assert.rejects(
    writeFile(file, denied),
    (error) => isFailure(error, 'toolFailed') && /password/.test(error.message),
  )
})

test('to the socket of the server', async () => {
  const socket = join(postgres.server.host, `.s.PGSQL.${port}`)
  const through = await tunnelBy({ perl: 'perl' }, { socket })
  await assertAllThrough(through.server, false)
  await end(through)
})

test('the socket and its folder are for this user alone', async () => {
  const through = await tunnelBy(undefined)
  assert.equal((await stat(through.tunnel.folder)).mode & 0o777, 0o700)
  assert.equal((await stat(through.tunnel.socket)).mode & 0o777, 0o600)
  assert.ok(Buffer.byteLength(through.tunnel.socket) <= 107)
  await end(through)
})

test('a server of another name, or of another authority, is not taken', async () => {
  const other = await makeCertificates(folder, 'other')
  const wrong: readonly TunnelTls[] = [
    { ...encrypted, serverName: 'db.example' },
    { ...encrypted, ca: await readFile(other.ca, 'utf8') },
  ]
  for (const tls of wrong) {
    const through = await tunnelBy(undefined, { tls })
    await assert.rejects(withSession(through.server, 'source', context, async () => {}))
    assert.equal(through.tunnel.lastFailure()?.kind, 'unreachable')
    assert.match(through.tunnel.lastFailure()?.message ?? '', /TLS of/)
    await end(through)
  }
  const through = await tunnelBy(undefined, { tls: { ...encrypted, mode: 'require', serverName: 'db.example' } })
  await withSession(through.server, 'source', context, async () => {})
  await end(through)
})

test('many sessions at once, and no more than the limit', async () => {
  const place = new LocalPlace()
  const { route } = await chooseRoute(place, { port }, { route: 'exec-relay', probe: probePostgres }, context)
  const tunnel = await openTunnel(route, { name: '.s.PGSQL.5432', mostConnections: 8 }, context)
  const server = { ...postgres.server, host: tunnel.folder, port: 5432 }
  const session = (act: () => Promise<void>): Promise<void> => withSession(server, 'source', context, act)
  const open = Promise.withResolvers<void>()
  let count = 0
  const all = Array.from({ length: 8 }, () =>
    session(async () => {
      count += 1
      await open.promise
    }),
  )
  await until(async () => count === 8, 10_000)
  assert.equal(count, 8)
  await assert.rejects(session(async () => {}))
  assert.match(tunnel.lastFailure()?.message ?? '', /too many connections/)
  open.resolve()
  await Promise.all(all)
  await end({ tunnel, place })
})

test('closing the tunnel ends a session that is busy, and its relay', async () => {
  const through = await tunnelBy(undefined)
  const busy = withSession(through.server, 'source', context, (session) => session.query('select pg_sleep(60)'))
  const rejected = assert.rejects(busy)
  await until(async () => (await through.place.processes()).length > 0, 5000)
  await end(through)
  await rejected
})

const ENDLESS = `copy (select repeat('x', 1000) from generate_series(1, 10000000)) to stdout`

test('a relay that is cut in the middle fails the dump', async () => {
  const through = await tunnelBy(undefined)
  const reading = tool(through.server, 'psql', ['-d', 'source', '-o', '/dev/null', '-c', ENDLESS])
  const rejected = assert.rejects(reading, (error) => isFailure(error, 'toolFailed') || isFailure(error, 'unreachable'))
  await until(async () => (await through.place.processes()).length > 0, 5000)
  through.place.remove()
  await rejected
  assert.equal(through.tunnel.lastFailure()?.kind, 'unreachable')
  await through.tunnel.close()
})

test('a server that is killed in the middle fails the dump', async () => {
  const through = await tunnelBy(undefined)
  const reading = tool(through.server, 'psql', ['-d', 'source', '-o', '/dev/null', '-c', ENDLESS])
  const rejected = assert.rejects(reading, (error) => isFailure(error, 'toolFailed') || isFailure(error, 'unreachable'))
  await until(async () => (await through.place.processes()).length > 0, 5000)
  await postgres.process?.kill()
  await rejected
  await end(through)
})
