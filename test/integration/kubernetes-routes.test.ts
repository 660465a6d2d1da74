import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { pipeline } from 'node:stream/promises'
import { kubernetesPlatform as platform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { kubernetesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import type { Place } from '../../src/platforms/place.ts'
import { chooseRoute } from '../../src/platforms/routes/choose-route.ts'
import { openTunnel } from '../../src/platforms/routes/open-tunnel.ts'
import { probePostgres } from '../../src/platforms/routes/postgres-start.ts'
import type { RouteKind } from '../../src/platforms/routes/route.ts'
import { startCluster, until } from '../parts/kubernetes-cluster.ts'
import { importPostgres } from '../parts/kubernetes-images.ts'
import { restrictedNamespace, startPod } from '../parts/kubernetes-pods.ts'
import { testContext } from '../parts/postgres.ts'

const cluster = await startCluster()
const { kubernetes } = cluster
const context = testContext()
const namespace = await restrictedNamespace(kubernetes)
const settings = kubernetesSettings.parse({ kind: 'kubernetes', namespace, kubeconfig: kubernetes.kubeconfig })
const MEGABYTE = 1024 * 1024
const ROWS = Number(process.env['HOLDFAST_SOAK_MEGABYTES'] ?? 64) * 1024

/** A database in a pod, in a namespace that enforces the restricted standard, without a published port. */
describe('a database in a pod', () => {
  let place: Place
  before(async () => {
    const image = await importPostgres(cluster)
    const env = [{ name: 'POSTGRES_PASSWORD', value: 'canary' }]
    await startPod(kubernetes, namespace, 'db-0', { image, env, labels: { app: 'db' } })
    place = await platform.inside.find(
      settings,
      kubernetesReach.parse({ kind: 'kubernetes', selector: 'app=db' }),
      context,
    )
    await until('PostgreSQL answers', async () =>
      chooseRoute(place, { port: 5432 }, { route: 'port-forward', probe: probePostgres }, context).then(
        () => true,
        () => false,
      ),
    )
  })

  for (const kind of ['port-forward', 'exec-relay'] as const)
    test(`gives and takes rows through ${kind}, equal and with flat memory`, async (t) => {
      await withClients(kind, async (client, other) => {
        await client.query('drop table if exists rows, copied')
        const text = 'select n, repeat(md5(n::text), 32) as text'
        await client.query(`create table rows as ${text} from generate_series(1, ${ROWS}) n`)
        await client.query('create table copied (like rows)')
        const [began, before] = [performance.now(), process.resourceUsage().maxRSS]
        let bytes = 0
        const count = async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            bytes += chunk.length
            yield chunk
          }
        }
        const into = other.query(copyFrom('copy copied from stdin'))
        await pipeline(client.query(copyTo('copy rows to stdout')), count, into)
        const seconds = (performance.now() - began) / 1000
        const grown = (process.resourceUsage().maxRSS - before) / 1024
        t.diagnostic(
          `${kind}: ${Math.round(bytes / MEGABYTE / seconds)} MB/s both ways, ${Math.round(grown)} MB more memory`,
        )
        assert.ok(grown < 192, `${grown} MB more memory`)
        const { rows: different } = await client.query('table rows except table copied limit 1')
        assert.deepEqual(different, [])
        const left = await client.query('select count(*)::int as count from copied')
        assert.deepEqual(left.rows, [{ count: ROWS }])
      })
    })

  async function withClients(
    kind: RouteKind,
    act: (client: pg.Client, other: pg.Client) => Promise<void>,
  ): Promise<void> {
    const { route } = await chooseRoute(place, { port: 5432 }, { route: kind, probe: probePostgres }, context)
    const tunnel = await openTunnel(route, { name: '.s.PGSQL.5432' }, context)
    const login = { host: tunnel.folder, port: 5432, user: 'postgres', database: 'postgres' }
    const [client, other] = [new pg.Client(login), new pg.Client(login)]
    try {
      await Promise.all([client.connect(), other.connect()])
      await act(client, other)
    } finally {
      await Promise.all([client.end(), other.end()])
      await tunnel.close()
    }
  }
})
