import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { run } from '../../src/system/process/run.ts'
import { findContainer } from '../../src/platforms/compose/find.ts'
import { composeReach, composeSettings } from '../../src/platforms/compose/schema.ts'
import { chooseRoute } from '../../src/platforms/routes/choose-route.ts'
import { openTunnel, type Tunnel } from '../../src/platforms/routes/open-tunnel.ts'
import { probePostgres } from '../../src/platforms/routes/postgres-start.ts'
import type { Door } from '../../src/platforms/routes/route.ts'
import { textOf, until } from '../../src/platforms/testing/program-bytes.ts'
import { APP_PASSWORD, composeApp } from '../parts/compose-app.ts'
import { startDocker } from '../parts/docker.ts'
import { testContext } from '../parts/postgres.ts'

const docker = await startDocker()
const context = testContext()
const project = await docker.project(composeApp)
const settings = composeSettings.parse({ kind: 'compose', project: project.name, engine: `unix://${docker.socket}` })
const place = await findContainer(settings, composeReach.parse({ kind: 'compose', service: 'database' }), context)

async function tunnelTo(door: Door): Promise<{ readonly tunnel: Tunnel; readonly name: string }> {
  const { route } = await chooseRoute(place, door, { route: 'auto', probe: probePostgres }, context)
  return { tunnel: await openTunnel(route, { name: '.s.PGSQL.5432' }, context), name: route.name }
}

function query({ folder }: Tunnel, text: string): Promise<{ readonly stdout: string }> {
  const environment = { PGHOST: folder, PGPORT: '5432', PGUSER: 'postgres', PGPASSWORD: APP_PASSWORD }
  const limits = { idleLimit: 60_000, totalLimit: 60_000 }
  return run({ file: 'psql', args: ['-XqAtc', text], environment, signal: context.signal, ...limits })
}

async function processes(): Promise<readonly string[]> {
  const list = await place.start(['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "; echo'], context)
  return (await textOf(list.stdout)).match(/\/dev\/tcp|perl -e/g) ?? []
}

for (const [title, door] of [
  ['its port', { port: 5432 }],
  ['its socket', { port: 5432, socket: '/tmp/.s.PGSQL.5432' }],
] as const)
  test(`a database in a container without a published port is reached at ${title}, and nothing is left there`, async () => {
    const { tunnel, name } = await tunnelTo(door)
    assert.match(name, /exec-relay/)
    const { stdout } = await query(tunnel, 'COPY (SELECT n FROM generate_series(1, 100000) n) TO STDOUT')
    const { stdout: hash } = await query(
      tunnel,
      "SELECT md5(string_agg(n || E'\\n', '')) FROM generate_series(1, 100000) n",
    )
    assert.equal(createHash('md5').update(stdout).digest('hex'), hash.trim())
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => query(tunnel, `SELECT ${n}, pg_sleep(0.3)`)))
    assert.deepEqual(
      all.map(({ stdout }) => stdout.trim()),
      Array.from({ length: 8 }, (_, n) => `${n}|`),
    )
    await tunnel.close()
    await until(async () => (await processes()).length === 0, 5000)
    assert.deepEqual(await processes(), [])
  })
