import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../../core/failure.ts'
import * as resources from '../resources.ts'
import { kubernetesReach, kubernetesSettings } from '../schema.ts'
import { allowedWrites, refuseUnlisted, type WriteRequest } from './allowed-writes.ts'
import { rolePurposes, rulesFor } from './roles.ts'

const methods = ['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT'] as const

/** What passes, as `PATCH deployments`. */
function passing(paths: readonly string[], body?: unknown): readonly string[] {
  const all = paths.flatMap((path) => methods.map((method) => ({ method, path, body })))
  return all.filter(isPassed).map(({ method, path }) => `${method} ${path.replace(/^.*namespaces\/app\//, '')}`)
}

function isPassed(request: WriteRequest): boolean {
  try {
    refuseUnlisted(request)
    return true
  } catch (error) {
    assert.ok(isFailure(error, 'bug'), String(error))
    return false
  }
}

test('of all kinds only workloads are patched, and only own pods are made and deleted', () => {
  const paths = Object.values(resources).map((of) => {
    const { api, plural, namespace } = of('app')
    return `${api}/namespaces/${namespace ?? ''}/${plural}`
  })
  const others = [
    '/api/v1/namespaces/app/events',
    '/apis/policy/v1/namespaces/app/poddisruptionbudgets',
    '/apis/acid.zalan.do/v1/namespaces/app/postgresqls',
    '/apis/postgresql.cnpg.io/v1/namespaces/app/clusters',
    '/apis/example.org/v1/namespaces/app/deployments',
  ]
  const objects = [...paths, ...others].map((path) => `${path}/db`)
  assert.deepEqual(
    passing(objects).toSorted(),
    ['cronjobs', 'daemonsets', 'deployments', 'statefulsets'].map((plural) => `PATCH ${plural}/db`),
  )
  assert.deepEqual(passing(paths, { metadata: { name: 'db' } }), [])
  assert.deepEqual(passing(paths, { metadata: { name: 'holdfast-throw-away-1' } }), ['POST pods'])
  const pod = '/api/v1/namespaces/app/pods'
  // No server knows a POST to an object by its name.
  const own = passing([`${pod}/holdfast-throw-away-1`]).filter((one) => !/^(?:POST|CONNECT) /.test(one))
  assert.deepEqual(own, ['DELETE pods/holdfast-throw-away-1'])
  assert.deepEqual(
    passing(['exec', 'portforward', 'attach', 'eviction', 'status', 'log'].map((below) => `${pod}/db/${below}?x=/y`)),
    ['exec', 'portforward'].flatMap((below) => ['POST', 'CONNECT'].map((verb) => `${verb} pods/db/${below}?x=/y`)),
  )
})

test('neither a namespace nor anything of the cluster, nor all of a kind at once, nor an odd path', () => {
  const paths = ['/api/v1/namespaces/app', '/api/v1/namespaces', '/api/v1/persistentvolumes/v', '/api/v1/nodes/n']
  const odd = ['/apis/apps/v1/namespaces/app/deployments/web/scale', '/apis/apps/v1/namespaces/app/deployments', '/']
  assert.deepEqual(passing([...paths, ...odd, '/api/v1/namespaces/app/pods']), [])
})

test('the rights that are printed hold no change beyond it', () => {
  const names = { deployment: 'Deployment', set: 'StatefulSet', daemon: 'DaemonSet', cron: 'CronJob', job: 'Job' }
  const settings = kubernetesSettings.parse({
    kind: 'kubernetes',
    namespace: 'app',
    pauses: Object.entries(names).flatMap(([name, kind]) => [
      { kind, name },
      { kind, selector: 'app=web' },
    ]),
    suspends: ['Kustomization', 'HelmRelease', 'Application'].map((kind) => ({ kind, name: 'apps' })),
  })
  const reaches = [{ pod: 'db' }, { service: 'db' }, { statefulSet: 'db' }, { selector: 'app=db' }].map((way) =>
    kubernetesReach.parse({ kind: 'kubernetes', ...way }),
  )
  const seen = new Set<string>()
  for (const purpose of rolePurposes)
    for (const { group, resource, verbs } of rulesFor(settings, reaches, purpose))
      for (const verb of verbs) {
        if (verb === 'get' || verb === 'list') continue
        const row = allowedWrites.find((one) => one.group === group && one.resource === resource)
        assert.ok(row?.verbs.includes(verb), `${purpose}: ${verb} ${resource}`)
        seen.add(`${verb} ${resource}`)
      }
  const listed = allowedWrites.flatMap(({ resource, verbs }) => verbs.map((verb) => `${verb} ${resource}`))
  // Everybody may ask what he may.
  assert.deepEqual([...seen].toSorted(), listed.filter((one) => !one.endsWith('reviews')).toSorted())
})
