import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kubernetesSecretsDriver as driver } from '../../src/components/kubernetes-secrets/driver.ts'
import type {
  KubernetesSecretsDetails,
  KubernetesSecretsSettings,
} from '../../src/components/kubernetes-secrets/schema.ts'
import type { Target } from '../../src/components/target.ts'
import { crashEverywhere } from '../crash/matrix.ts'
import { at, startKubernetes } from '../parts/kubernetes.ts'
import { base64, capturePoint, type KubernetesPoint } from '../parts/kubernetes-points.ts'
import { testContext } from '../parts/postgres.ts'

const kubernetes = await startKubernetes()
const context = testContext()
const names = ['changed', 'fixed', 'missing', 'same'] as const

interface World {
  readonly namespace: string
  readonly settings: KubernetesSecretsSettings
  readonly point: KubernetesPoint
}

const pathOf = (namespace: string, name = ''): string => `/api/v1/namespaces/${namespace}/secrets${name && `/${name}`}`

async function put(namespace: string, name: string, text: string): Promise<void> {
  await kubernetes.ask('DELETE', pathOf(namespace, name))
  const body = { metadata: { name }, immutable: name === 'fixed', data: { key: base64(text) } }
  await kubernetes.must('POST', pathOf(namespace), body)
}

async function values(namespace: string): Promise<readonly unknown[]> {
  return await Promise.all(
    names.map(async (name) => at((await kubernetes.ask('GET', pathOf(namespace, name))).body, 'data', 'key')),
  )
}

const captured = names.map((name) => base64(`captured ${name}`))
const before = [base64('live'), base64('live'), undefined, captured[3]]

async function fresh(): Promise<World> {
  const namespace = await kubernetes.namespace()
  for (const name of names) await put(namespace, name, `captured ${name}`)
  const settings = kubernetes.settings(namespace, { secrets: [...names] })
  const point = await capturePoint(settings)
  await put(namespace, 'changed', 'live')
  await put(namespace, 'fixed', 'live')
  await kubernetes.must('DELETE', pathOf(namespace, 'missing'))
  return { namespace, settings, point }
}

const open = (settings: KubernetesSecretsSettings): Promise<Target<KubernetesSecretsDetails>> =>
  driver.open(settings, { mode: 'swap', restoreId: '0a1b2c3d', scratchFolder: '' }, context)

/** Nothing of ours is left in the namespace. */
async function assertClean({ namespace, settings }: World): Promise<void> {
  const target = await open(settings)
  await target.forget(context)
  const list = at(await kubernetes.must('GET', pathOf(namespace)), 'items') as readonly unknown[]
  assert.deepEqual(
    list.filter((item) => String(at(item, 'metadata', 'name')).startsWith('holdfast-')),
    [],
  )
}

for (const direction of ['forward', 'back'] as const)
  test(`a restore that dies anywhere is finished, or taken back: ${direction}`, { timeout: 600_000 }, async (t) => {
    await crashEverywhere<World, void>(t, {
      fresh,
      run: async ({ settings, point }, effects) => {
        const target = await open(settings)
        await target.load(point.details, point.source, { ...context, effects })
        await target.swap(point.details, { ...context, effects })
      },
      recover: async (world) => {
        const { settings, point, namespace } = world
        const target = await open(settings)
        const state = await target.state(context)
        if (state === 'untouched' || state === 'beside') assert.deepEqual(await values(namespace), before)
        if (state === 'swapped') assert.deepEqual(await values(namespace), captured)
        if (direction === 'back') {
          if (state === 'swapped') await target.undo(context)
          await target.discard(context)
          assert.deepEqual(await values(namespace), before)
        } else {
          if (state === 'untouched' || state === 'beside') await target.load(point.details, point.source, context)
          await target.swap(point.details, context)
          assert.deepEqual(await target.compare(point.details, context), [])
          assert.deepEqual(await values(namespace), captured)
        }
        await assertClean(world)
      },
    })
  })

test('an undo that dies anywhere is finished by the next', { timeout: 600_000 }, async (t) => {
  await crashEverywhere<World, void>(t, {
    fresh: async () => {
      const world = await fresh()
      const target = await open(world.settings)
      await target.load(world.point.details, world.point.source, context)
      await target.swap(world.point.details, context)
      return world
    },
    run: async ({ settings }, effects) => await (await open(settings)).undo({ ...context, effects }),
    recover: async (world) => {
      const target = await open(world.settings)
      if ((await target.state(context)) !== 'untouched') await target.undo(context)
      assert.deepEqual(await values(world.namespace), before)
      await assertClean(world)
    },
  })
})
