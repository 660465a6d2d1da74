import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { hooksSetting, type Hook } from '../../src/config/hooks-schema.ts'
import { isFailure, type FailureKind } from '../../src/core/failure.ts'
import { runHook } from '../../src/operations/hooks/run-hook.ts'
import { composePlatform } from '../../src/platforms/compose/compose.ts'
import { composeReach, composeSettings } from '../../src/platforms/compose/schema.ts'
import { kubernetesPlatform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { kubernetesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import type { Place } from '../../src/platforms/place.ts'
import type { Platform } from '../../src/platforms/platform.ts'
import { startDocker } from '../parts/docker.ts'
import { BARE_IMAGE, BUSYBOX_IMAGE } from '../parts/docker/images.ts'
import { startCluster } from '../parts/kubernetes-cluster.ts'
import { restrictedNamespace, startPod } from '../parts/kubernetes-pods.ts'
import { testContext } from '../parts/postgres.ts'

const context = testContext()
const fails = (kind: FailureKind, pattern: RegExp) => (error: unknown) => {
  assert.ok(isFailure(error, kind), String(error))
  assert.match(error.message, pattern)
  return true
}

interface Where {
  readonly platform: Platform
  readonly settings: unknown
  readonly where: Readonly<Record<string, unknown>>
  /** The same container, to look into. */
  readonly place: Place
}

async function runsThere({ platform, settings, where, place }: Where): Promise<void> {
  const app = {
    name: 'portal',
    components: [],
    repositories: [],
    retention: {
      last: 0,
      daily: 0,
      weekly: 0,
      monthly: 0,
      yearly: 0,
      withinMilliseconds: 0,
      minimum: 0,
      timezone: 'UTC',
    },
    intervalMilliseconds: 1,
    platform: { kind: platform, settings, reaches: [] },
  }
  const run = (command: readonly string[], limitSeconds = 60): Promise<void> => {
    const [hook] = hooksSetting.parse({ beforeCapture: [{ command, where, limitSeconds }] }).beforeCapture
    // One was given.
    return runHook(app, hook as Hook, { HOLDFAST_HOOK: 'beforeCapture', HOLDFAST_POINT: 'a "b" = c' }, context)
  }
  await run(['sh', '-c', 'echo "$HOLDFAST_HOOK $HOLDFAST_POINT $1" >/tmp/hook', 'sh', 'two words'])
  const written = await place.start(['cat', '/tmp/hook'], context)
  assert.equal(await text(written.stdout), 'beforeCapture a "b" = c two words\n')
  await assert.rejects(
    run(['sh', '-c', 'echo not today >&2; exit 7']),
    fails('toolFailed', /sh ended with 7 in .*: not today/),
  )
  await assert.rejects(run(['no-such-program']), fails('toolFailed', /no-such-program ended with 127/))
  await assert.rejects(run(['sleep', '600'], 1), fails('unreachable', /sleep in a container did not .* within 1 s/))
}

test('in a pod of Kubernetes: arguments, variables, exit code and limit', async () => {
  const { kubernetes } = await startCluster()
  const namespace = await restrictedNamespace(kubernetes)
  const base = { kind: 'kubernetes', namespace, kubeconfig: kubernetes.kubeconfig }
  const settings = kubernetesSettings.parse(base)
  await startPod(kubernetes, namespace, 'server')
  const where = { kind: 'kubernetes', selector: 'app=server' }
  const place = await kubernetesPlatform.inside.find(settings, kubernetesReach.parse(where), context)
  await runsThere({ platform: kubernetesPlatform, settings, where, place })
})

test('in a container of compose, and not where there is no env', async () => {
  const docker = await startDocker()
  const project = await docker.project({
    services: {
      server: { image: BUSYBOX_IMAGE, command: ['sleep', '1000000'], init: true },
      bare: { image: BARE_IMAGE, init: true },
    },
  })
  const settings = composeSettings.parse({ kind: 'compose', project: project.name, engine: `unix://${docker.socket}` })
  const there = async (service: string): Promise<Where> => {
    const where = { kind: 'compose', service }
    const place = await composePlatform.inside?.find(settings, composeReach.parse(where), context)
    assert.ok(place)
    return { platform: composePlatform, settings, where, place }
  }
  await runsThere(await there('server'))
  await assert.rejects(runsThere(await there('bare')), fails('unsupported', /has no env, by which a hook is told/))
})
