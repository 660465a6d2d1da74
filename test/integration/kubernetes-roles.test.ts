import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { before, describe, test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import type { Finding } from '../../src/core/restore-point.ts'
import type { KubernetesClient } from '../../src/platforms/kubernetes/client.ts'
import { withCluster } from '../../src/platforms/kubernetes/connect.ts'
import { claimsIn, podsIn, statefulSetsIn } from '../../src/platforms/kubernetes/resources.ts'
import { checkReach } from '../../src/platforms/kubernetes/check/check-reach.ts'
import { kubernetesPlatform as platform } from '../../src/platforms/kubernetes/kubernetes-platform.ts'
import { databaseOwners, refuseDatabase } from '../../src/platforms/kubernetes/pause/refuse-database.ts'
import {
  roleObjects,
  rolePurposes,
  rulesFor,
  type RolePurpose,
  type RoleRule,
} from '../../src/platforms/kubernetes/rights/roles.ts'
import { kubernetesReach, kubernetesSettings, type KubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import { startCluster } from '../parts/kubernetes-cluster.ts'
import { restrictedNamespace, startPod } from '../parts/kubernetes-pods.ts'
import { defineKind, TestObjects } from '../parts/kubernetes-workloads.ts'
import { at } from '../parts/kubernetes.ts'
import { testContext } from '../parts/postgres.ts'

const { kubernetes } = await startCluster()
const context = testContext()
const namespace = await restrictedNamespace(kubernetes)
const objects = new TestObjects(kubernetes, namespace)
const base = { kind: 'kubernetes', namespace, kubeconfig: kubernetes.kubeconfig, limitSeconds: 60 }
const settings = kubernetesSettings.parse({
  ...base,
  pauses: [
    { kind: 'Deployment', name: 'web' },
    { kind: 'CronJob', selector: 'app=cron' },
  ],
  suspends: [{ kind: 'Kustomization', name: 'apps' }],
})
const reach = kubernetesReach.parse({ kind: 'kubernetes', statefulSet: 'db' })
const DATABASE = `StatefulSet/${namespace}/db`
const WORKLOADS = ['Kustomization/apps', 'Deployment/web', 'CronJob/cron'].map((one) =>
  one.replace('/', `/${namespace}/`),
)

before(async () => {
  await defineKind(kubernetes, ['kustomize.toolkit.fluxcd.io', 'v1'], 'Kustomization', 'kustomizations')
  await defineKind(kubernetes, ['keda.sh', 'v1alpha1'], 'ScaledObject', 'scaledobjects')
  await objects.create('Kustomization', 'apps', { prune: true })
  await objects.workload('StatefulSet', 'db', 1, { command: ['nc', '-ll', '-p', '5432', '-e', 'echo', 'hello'] })
  await objects.workload('Deployment', 'web', 1)
  const jobTemplate = {
    spec: { template: { spec: { containers: [{ name: 'a', image: 'b' }], restartPolicy: 'Never' } } },
  }
  await objects.create('CronJob', 'cron', { schedule: '0 0 1 1 *', jobTemplate }, { labels: { app: 'cron' } })
})

/** The settings with the login of an account that has these rules and nothing else. */
async function withRules(rules: readonly RoleRule[]): Promise<KubernetesSettings> {
  const account = { namespace, name: 'none' }
  const [role] = roleObjects(rules, 'restore', account)
  return { ...settings, kubeconfig: await kubernetes.kubeconfigWith(namespace, role) }
}

const errors = (findings: readonly Finding[]): string[] =>
  findings.filter(({ level }) => level === 'error').map(({ subject }) => subject)

async function reaches(limited: KubernetesSettings): Promise<void> {
  const place = await platform.inside.find(limited, reach, context)
  const program = await place.start(['echo', 'hello'], context)
  assert.equal(await text(program.stdout), 'hello\n')
  const stream = await place.forward?.(5432, context)
  assert.ok(stream !== undefined)
  assert.equal(await text(stream), 'hello\n')
  assert.equal((await place.variable('PATH', context))?.includes('/bin'), true)
}

describe('with nothing but the printed roles', () => {
  test('every purpose reaches, and those that pause do so', async () => {
    for (const purpose of rolePurposes) {
      const limited = await withRules(rulesFor(settings, [reach], purpose))
      await reaches(limited)
      assert.deepEqual(errors(await checkReach(limited, reach, context)), [])
      if (purpose === 'restore' || purpose === 'guardian') await pauses(limited)
      else await assert.rejects(platform.running(limited, context), (error) => isFailure(error, 'denied'))
    }
  })

  async function pauses(limited: KubernetesSettings): Promise<void> {
    const findings = (await platform.check?.(limited, [reach], context)) ?? []
    assert.deepEqual(errors(findings), [])
    assert.ok(!findings.some(({ message }) => message.includes('may delete')), 'this login may not')
    const names = await platform.running(limited, context)
    assert.deepEqual(names, WORKLOADS)
    refuseDatabase(names, await databaseOwners(limited, reach, context), 'database')
    for (const name of names) await platform.pause(limited, name, context)
    for (const name of names.toReversed()) await platform.resume(limited, name, context)
    // Neither the database nor anything beside it.
    await assert.rejects(platform.pause(limited, DATABASE, context), (error) => isFailure(error, 'denied'))
    await assert.rejects(platform.pause(limited, `Deployment/${namespace}/other`, context), (error) =>
      isFailure(error, 'denied'),
    )
  }

  test('one verb less is found before and named when it is missing', async () => {
    const rules = rulesFor(settings, [reach], 'restore')
    const without = (resource: string, verb: string): readonly RoleRule[] =>
      rules
        .map((rule) =>
          rule.resource === resource ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) } : rule,
        )
        .filter(({ verbs }) => verbs.length > 0)
    const patchless = await withRules(without('deployments', 'patch'))
    assert.deepEqual(errors((await platform.check?.(patchless, [], context)) ?? []), [
      `right to patch deployments.apps web in ${namespace}`,
    ])
    await assert.rejects(platform.pause(patchless, `Deployment/${namespace}/web`, context), (error: unknown) => {
      assert.ok(isFailure(error, 'denied'), String(error))
      assert.match(error.message, /the right to patch deployments.apps in namespace .* is missing/)
      assert.match(error.hint ?? '', /holdfast rights kubernetes/)
      return true
    })
    // Whose the pod of the database is decides whether a pause would stop it.
    const ownerless = await withRules(without('replicasets', 'get'))
    assert.deepEqual(errors((await platform.check?.(ownerless, [reach], context)) ?? []), [
      `right to get replicasets.apps in ${namespace}`,
    ])
    const execless = await withRules(without('pods/exec', 'get'))
    assert.deepEqual(errors(await checkReach(execless, reach, context)), [`right to get pods/exec in ${namespace}`])
    const place = await platform.inside.find(execless, reach, context)
    await assert.rejects(place.start(['cat'], context), (error: unknown) => {
      assert.ok(isFailure(error, 'denied'), String(error))
      assert.match(error.message, /get and create pods\/exec/)
      return true
    })
  })

  test('roles are bound to the account, one in each namespace', () => {
    const elsewhere = kubernetesSettings.parse({
      ...settings,
      suspends: [{ kind: 'HelmRelease', name: 'a', namespace: 'flux-system' }],
    })
    const purpose: RolePurpose = 'guardian'
    const found = roleObjects(rulesFor(elsewhere, [], purpose), purpose, { namespace: 'backup', name: 'holdfast' })
    assert.deepEqual(
      found.map((one) => [at(one, 'kind'), at(one, 'metadata', 'namespace'), at(one, 'metadata', 'name')]),
      ['flux-system', namespace].flatMap((own) => [
        ['Role', own, 'holdfast-guardian'],
        ['RoleBinding', own, 'holdfast-guardian'],
      ]),
    )
    assert.deepEqual(at(found[1], 'subjects'), [{ kind: 'ServiceAccount', namespace: 'backup', name: 'holdfast' }])
  })
})

describe('what would harm is told', () => {
  test('a pause that selects the database is refused, by the owners of its pod', async () => {
    const owners = await databaseOwners(settings, reach, context)
    assert.deepEqual(owners, [`Pod/${namespace}/db-0`, DATABASE])
    assert.throws(
      () => refuseDatabase([...WORKLOADS, DATABASE], owners, 'database'),
      (error: unknown) => isFailure(error, 'refused') && error.message.includes(`select ${DATABASE}`),
    )
    await startPod(kubernetes, namespace, 'plain')
    const web = kubernetesReach.parse({ kind: 'kubernetes', selector: 'app=web' })
    const ofDeployment = await databaseOwners(settings, web, context)
    assert.equal(ofDeployment.at(-1), `Deployment/${namespace}/web`)
  })

  test('a volume that goes with its claim, a login that may delete the namespace, and Flux that is not suspended', async () => {
    await kubernetes.must('POST', '/api/v1/persistentvolumes', {
      metadata: { name: namespace },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: '',
        hostPath: { path: '/tmp' },
        claimRef: { namespace, name: 'data' },
      },
    })
    await kubernetes.must('POST', `/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
      metadata: { name: 'data' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        volumeName: namespace,
        resources: { requests: { storage: '1Gi' } },
      },
    })
    await startPod(kubernetes, namespace, 'with-volume', { claim: 'data' })
    const found = await checkReach(settings, kubernetesReach.parse({ kind: 'kubernetes', pod: 'with-volume' }), context)
    const told = found.map(({ level, message }) => `${level}: ${message}`)
    assert.ok(told.includes('ok: is ReadWriteOnce: only pods on node node1 can mount it'), told.join('\n'))
    assert.ok(
      told.includes(`warning: its volume ${namespace} is deleted with it: the reclaim policy is Delete`),
      told.join('\n'),
    )
    const limited = await withRules(rulesFor(settings, [reach], 'restore'))
    const asked = await checkReach(limited, kubernetesReach.parse({ kind: 'kubernetes', pod: 'with-volume' }), context)
    assert.deepEqual(
      asked.filter(({ level }) => level !== 'ok').map(({ level, message }) => `${level}: ${message}`),
      ['untested: its volume cannot be asked about: the right is missing'],
    )
    const labels = {
      'kustomize.toolkit.fluxcd.io/name': 'others',
      'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
    }
    await objects.change('Deployment', 'web', (object: { metadata: { labels: object } }) => {
      object.metadata.labels = labels
    })
    const findings = (await platform.check?.(settings, [], context)) ?? []
    const warnings = findings.filter(({ level }) => level === 'warning').map(({ message }) => message)
    assert.deepEqual(warnings, [
      'Kustomization others starts it again while it is paused',
      'the login of Holdfast may delete it with all volumes in it',
    ])
  })

  test('the claim of a database, its pod and its namespace are not touched, whatever the login may', async () => {
    const acts = [
      (client: KubernetesClient) => client.remove(claimsIn(namespace), 'data'),
      (client: KubernetesClient) => client.remove(podsIn(namespace), 'db-0'),
      (client: KubernetesClient) => client.remove(statefulSetsIn(namespace), 'db'),
      (client: KubernetesClient) => client.patch(claimsIn(namespace), 'data', {}),
      (client: KubernetesClient) =>
        client.remove({ api: '/api/v1', kind: 'Namespace', plural: 'namespaces' }, namespace),
    ]
    for (const act of acts)
      await assert.rejects(withCluster(settings, context, act), (error) => isFailure(error, 'bug'))
    assert.equal(at(await kubernetes.must('GET', `/api/v1/namespaces/${namespace}`), 'status', 'phase'), 'Active')
    const data = await kubernetes.must('GET', `/api/v1/namespaces/${namespace}/persistentvolumeclaims/data`)
    assert.equal(at(data, 'metadata', 'deletionTimestamp'), undefined)
    assert.equal(await objects.replicas('StatefulSet', 'db'), 1)
  })

  test('a plan is fixed to the context and the server', async () => {
    assert.equal(await platform.identity?.(settings, context), `context test at ${kubernetes.server}`)
  })
})
