import { databaseService, program, startComposeApp, type ComposeApp } from '../in-compose.ts'

/** As certctl's compose file has it, in a version without a table of nonces. */
export async function startCertctl(): Promise<ComposeApp> {
  const database = { POSTGRES_USER: 'certctl', POSTGRES_DB: 'certctl', POSTGRES_PASSWORD: 'a password' }
  const environment = {
    CERTCTL_DATABASE_URL: 'postgres://certctl:a%20password@postgres:5432/certctl?sslmode=disable',
    CERTCTL_CONFIG_ENCRYPTION_KEY: 'thirty-two bytes or more, as it should be',
  }
  const services = {
    postgres: databaseService(database),
    'certctl-server': program(environment),
    'certctl-agent': program({ CERTCTL_SERVER_URL: 'https://certctl-server:8443' }),
  }
  const sql = `create table public.issuers (id text primary key, type text, config jsonb, encrypted_config bytea);
create table public.ocsp_response_cache (id text primary key);`
  return await startComposeApp(services, { service: 'postgres', user: 'certctl', name: 'certctl', sql })
}
