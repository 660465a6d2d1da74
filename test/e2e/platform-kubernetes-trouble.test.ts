import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { at } from '../parts/kubernetes.ts'
import { until } from '../parts/kubernetes-cluster.ts'
import { start, type Started } from './holdfast.ts'
import { startKubernetesLab } from './kubernetes-lab.ts'
import { editConfig, PASSWORD } from './lab.ts'

/** What goes wrong around Holdfast while it works on a cluster. */
const lab = await startKubernetesLab()
const limit = { timeout: 600_000 }
const AWAY_MILLISECONDS = process.env['HOLDFAST_SOAK'] === '1' ? 60_000 : 15_000
const CONTENT = 'select count(*), md5(string_agg(secret, id::text order by id)) from keys'
const { kubernetes, namespace } = lab
const writer = `/apis/apps/v1/namespaces/${namespace}/deployments/writer`

const begin = (...args: readonly string[]): Started => start(lab.folder, args, { HOLDFAST_PASSWORD: PASSWORD })
const useKubeconfig = (kubeconfig: string): Promise<void> =>
  editConfig(join(lab.folder, 'holdfast.yaml'), ({ apps }) =>
    // The configuration of this lab has one.
    Object.assign(at(apps['portal'], 'platform') as object, { kubeconfig }),
  )

async function must(...args: readonly string[]): Promise<string> {
  const { code, out, error } = await lab.run(...args)
  assert.equal(code, 0, `${args.join(' ')}: ${error}${out}`)
  return `${out}${error}`
}

/** Stands in front of the API server. Away, it takes no connection and has cut all. */
async function startFront(): Promise<{ readonly kubeconfig: string; away(is: boolean): void }> {
  const { port } = new URL(kubernetes.server)
  const sockets = new Set<Socket>()
  let isAway = false
  const server = createServer((client) => {
    if (isAway) return void client.destroy()
    const behind = connect(Number(port), '127.0.0.1')
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  // The address of a TCP server that listens is never null nor a path.
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kubeconfig = await kubernetes.writeKubeconfig({ token: kubernetes.adminToken }, { server: address })
  const away = (is: boolean): void => {
    isAway = is
    if (is) for (const socket of sockets) socket.destroy()
  }
  return { kubeconfig, away }
}

test(
  'an API server that is away in the middle of a restore: it waits or fails clearly, and guard brings it back',
  limit,
  async (t) => {
    const captured = await lab.sql(CONTENT)
    await must('backup')
    const front = await startFront()
    await useKubeconfig(front.kubeconfig)
    for (const from of ['record of the pause', 'pause', 'fence']) {
      await lab.sql(`update keys set secret = 'live' where id <= 10`)
      const live = await lab.sql(CONTENT)
      const restoring = begin('restore', '--yes', '--no-safety-point')
      const record = join(lab.folder, 'state', 'paused-portal.json')
      const isThere = (): boolean =>
        from === 'record of the pause' ? existsSync(record) : restoring.told().includes(`${from}: `)
      await until(`the restore is at ${from}`, () => Promise.resolve(isThere()))
      front.away(true)
      await Promise.race([sleep(AWAY_MILLISECONDS), restoring.ended])
      const meanwhile = await lab.run('guard')
      assert.notEqual(meanwhile.code, 31, meanwhile.error)
      front.away(false)
      const { code, error } = await restoring.ended
      t.diagnostic(`away from ${from}: ends with ${code}; guard meanwhile with ${meanwhile.code}`)
      if (code !== 0) assert.match(error, /API server|cluster|port-forward|exec-relay|connection/i)
      assert.doesNotMatch(error, /defect in Holdfast/)
      await must('guard')
      await lab.assertAsRecorded()
      const content = await lab.sql(CONTENT)
      assert.ok(content === live || content === captured)
      if (code === 0) assert.equal(content, captured)
      const { code: abandoned } = await lab.run('restore', '--abandon')
      t.diagnostic(`--abandon ends with ${abandoned}`)
      assert.deepEqual(await lab.strangers(), [])
    }
    await useKubeconfig(kubernetes.kubeconfig)
  },
)

test('what somebody scales while the app is paused is kept, and told', limit, async () => {
  const scale = (replicas: number): Promise<unknown> =>
    kubernetes.must('GET', writer).then((object) =>
      // It was read as an object.
      kubernetes.must('PUT', writer, { ...(object as object), spec: { ...(at(object, 'spec') as object), replicas } }),
    )
  await must('pause', 'portal', '--yes')
  assert.equal(await lab.replicas(), 0)
  await scale(1)
  const told = await must('resume', 'portal')
  assert.match(told, /somebody started Deployment\/\S+\/writer while it was paused; it stays as it is now/)
  assert.equal(await lab.replicas(), 1)
  assert.equal(at(await kubernetes.must('GET', writer), 'metadata', 'annotations', 'holdfast-paused'), undefined)
  await scale(2)
})

test('a token that is over is denied, with the next step, and nothing is changed', limit, async () => {
  const kubeconfig = await kubernetes.kubeconfigWith(namespace)
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
  const { items } = (await kubernetes.must('GET', accounts)) as { items: readonly unknown[] }
  for (const account of items) {
    const name = String(at(account, 'metadata', 'name'))
    // With its account a token ends at once; by time none ends before ten minutes.
    if (name.startsWith('account-')) await kubernetes.must('DELETE', `${accounts}/${name}`)
  }
  await useKubeconfig(kubeconfig)
  for (const args of [['backup'], ['restore', '--yes'], ['pause', 'portal', '--yes']]) {
    const { code, error } = await lab.run(...args)
    assert.equal(code, 12, `${args.join(' ')}: ${error}`)
    assert.match(error, /token|log ?in|credential/i)
  }
  await useKubeconfig(kubernetes.kubeconfig)
  await lab.assertAsRecorded()
})

test('a pod that goes during a read is a clear error, and no point', limit, async () => {
  const points = async (): Promise<number> =>
    (JSON.parse(await must('points', '--json')) as { points: readonly unknown[] }).points.length
  const before = await points()
  const backup = begin('backup')
  await until('the backup reads', () => Promise.resolve(/dump: database/.test(backup.told())))
  await kubernetes.must('DELETE', `/api/v1/namespaces/${namespace}/pods/database-0?gracePeriodSeconds=0`)
  const { code, error } = await backup.ended
  assert.notEqual(code, 0, error)
  assert.match(
    error,
    /holdfast: component database: .*(?:was replaced by another pod|is being deleted|is gone|was lost)/,
  )
  assert.doesNotMatch(error, /defect in Holdfast/)
  assert.equal(await points(), before)
})
