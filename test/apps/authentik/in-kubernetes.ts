import { fromSecret, startKubernetesApp, type KubernetesApp } from '../in-kubernetes.ts'
import { authentikSql } from './database.ts'

/** As authentik's chart makes it, with the database of Bitnami's chart. */
export async function startAuthentik(): Promise<KubernetesApp> {
  const app = await startKubernetesApp()
  await app.secret('authentik', { AUTHENTIK_SECRET_KEY: 'a secret key of fifty letters or more, as it should be' })
  await app.secret('authentik-postgresql', { password: 'of the app', 'postgres-password': 'of the superuser' })
  const variables = { POSTGRES_USER: 'authentik', POSTGRES_DATABASE: 'authentik' }
  await app.postgres(
    'authentik-postgresql',
    [
      ...Object.entries(variables).map(([name, value]) => ({ name, value })),
      fromSecret('POSTGRES_PASSWORD', 'authentik-postgresql', 'password'),
      fromSecret('POSTGRES_POSTGRES_PASSWORD', 'authentik-postgresql', 'postgres-password'),
    ],
    { 'app.kubernetes.io/name': 'postgresql', 'app.kubernetes.io/component': 'primary' },
  )
  const superuser = "create role postgres superuser login password 'of the superuser'; create database authentik"
  for (const statement of superuser.split('; ')) await app.sql('authentik-postgresql-0', 'postgres', statement)
  await app.sql('authentik-postgresql-0', 'authentik', authentikSql)
  const labels = { 'app.kubernetes.io/name': 'authentik' }
  const envFrom = [{ secretRef: { name: 'authentik' } }]
  for (const name of ['authentik-server', 'authentik-worker'])
    await app.workload('Deployment', name, { labels, envFrom })
  return app
}
