import { defineKind } from '../../parts/kubernetes-workloads.ts'
import { fromSecret, startKubernetesApp, type KubernetesApp } from '../in-kubernetes.ts'

const OPERATOR = 'credentials.postgresql.acid.zalan.do'

/** A cluster as Zalando's operator labels it, an app that logs in by its Secret, and a program that does not. */
export async function startFastApi(): Promise<KubernetesApp> {
  const app = await startKubernetesApp()
  await defineKind(app.kubernetes, ['acid.zalan.do', 'v1'], 'postgresql', 'postgresqls')
  const path = `/apis/acid.zalan.do/v1/namespaces/${app.namespace}/postgresqls`
  await app.kubernetes.must('POST', path, {
    apiVersion: 'acid.zalan.do/v1',
    kind: 'postgresql',
    metadata: { name: 'acid-api' },
    spec: { databases: { fastapi: 'fastapi' }, users: { fastapi: [] } },
  })
  await app.secret(`postgres.acid-api.${OPERATOR}`, { username: 'postgres', password: 'of the superuser' })
  await app.secret(`fastapi.acid-api.${OPERATOR}`, { username: 'fastapi', password: 'of the app' })
  await app.secret('other', { key: 'of another app' })
  await app.postgres(
    'acid-api',
    [
      { name: 'PGUSER_SUPERUSER', value: 'postgres' },
      fromSecret('PGPASSWORD_SUPERUSER', `postgres.acid-api.${OPERATOR}`, 'password'),
    ],
    { application: 'spilo', 'cluster-name': 'acid-api', 'spilo-role': 'master' },
  )
  await app.sql('acid-api-0', 'postgres', 'create database fastapi')
  await app.sql('acid-api-0', 'fastapi', 'create table items (id int primary key); insert into items values (1)')
  const env = [fromSecret('DATABASE_PASSWORD', `fastapi.acid-api.${OPERATOR}`, 'password')]
  await app.workload('Deployment', 'fastapi', { env })
  await app.workload('Deployment', 'site', {})
  return app
}
