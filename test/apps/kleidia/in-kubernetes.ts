import { startKubernetesApp, type KubernetesApp } from '../in-kubernetes.ts'

/** As Kleidia's charts make it: a database that asks nobody, and OpenBao, which is a stand-in here. */
export async function startKleidia(): Promise<KubernetesApp> {
  const app = await startKubernetesApp()
  await app.secret('openbao-unseal-key', { 'unseal-kleidia-1.key': '32 bytes' })
  await app.secret('openbao-backend-approle', { role_id: 'role', secret_id: 'secret' })
  const variables = { POSTGRES_USER: 'kleidiauser', POSTGRES_DB: 'kleidia', POSTGRES_HOST_AUTH_METHOD: 'trust' }
  const env = Object.entries(variables).map(([name, value]) => ({ name, value }))
  await app.postgres('postgres', env, { app: 'postgres' })
  await app.sql('postgres-0', 'postgres', 'create database kleidia')
  await app.sql('postgres-0', 'kleidia', 'create table users (id int); create table yubikey_secrets (path text)')
  await app.workload('StatefulSet', 'kleidia-platform-openbao', {})
  const mount = [{ name: 'VAULT_KV_MOUNT', value: 'yubikeys' }]
  await app.workload('Deployment', 'backend', { env: mount })
  await app.workload('Deployment', 'license-service', {})
  return app
}
