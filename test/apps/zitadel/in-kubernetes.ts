import { defineKind } from '../../parts/kubernetes-workloads.ts'
import { fromSecret, startKubernetesApp, type KubernetesApp } from '../in-kubernetes.ts'
import { MASTERKEY, zitadelSql } from './database.ts'

/** A namespace like one that Flux keeps with ZITADEL's chart, a database made by hand, Redis, and what does not belong to it. */
export async function startZitadel(): Promise<KubernetesApp> {
  const app = await startKubernetesApp()
  await defineKind(app.kubernetes, ['kustomize.toolkit.fluxcd.io', 'v1'], 'Kustomization', 'kustomizations')
  await app.objects.create('Kustomization', 'identity-internal', { suspend: false })
  await makeSecrets(app)
  await app.postgres('zitadel-db', [fromSecret('POSTGRES_PASSWORD', 'zitadel-db-secret', 'POSTGRES_PASSWORD')])
  await app.sql('zitadel-db-0', 'postgres', 'create database zitadel')
  await app.sql('zitadel-db-0', 'zitadel', zitadelSql())
  const flux = 'kustomize.toolkit.fluxcd.io'
  const labels = {
    'app.kubernetes.io/name': 'zitadel',
    [`${flux}/name`]: 'identity-internal',
    [`${flux}/namespace`]: app.namespace,
  }
  const env = [fromSecret('ZITADEL_MASTERKEY', 'zitadel-secret', 'masterkey')]
  await app.workload('Deployment', 'zitadel', { labels, env, replicas: 2 })
  await app.workload('Deployment', 'zitadel-login', {
    labels: { ...labels, 'app.kubernetes.io/name': 'zitadel-login' },
  })
  await app.workload('StatefulSet', 'redis', {})
  return app
}

async function makeSecrets(app: KubernetesApp): Promise<void> {
  await app.secret('zitadel-secret', { masterkey: MASTERKEY })
  await app.secret('zitadel-db-secret', { POSTGRES_PASSWORD: 'the password of the Secret' })
  await app.secret('iam-admin', { 'iam-admin.json': '{}' }, { 'app.kubernetes.io/managed-by': 'Zitadel' })
  await app.secret('iam-admin-pat', { pat: 'token of the administrator' })
  await app.secret('login-client', { pat: 'token of the login' })
  await app.secret('something-else', { key: 'of another app' })
  await app.secret('sh.helm.release.v1.zitadel.v1', { release: 'large' }, { owner: 'helm' })
}
