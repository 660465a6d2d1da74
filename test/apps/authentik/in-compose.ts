import { databaseService, program, startComposeApp, type ComposeApp } from '../in-compose.ts'
import { authentikSql } from './database.ts'

/** As authentik's compose file has it, with Redis of older releases. */
export async function startAuthentik(): Promise<ComposeApp> {
  const database = { POSTGRES_USER: 'authentik', POSTGRES_DB: 'authentik', POSTGRES_PASSWORD: 'a password' }
  const environment = { AUTHENTIK_SECRET_KEY: 'a secret key of fifty letters or more, as it should be' }
  const more = { volumes: ['media:/data'], depends_on: { postgresql: { condition: 'service_healthy' } } }
  const services = {
    postgresql: databaseService(database),
    redis: program({}),
    server: program(environment, more),
    worker: program(environment, more),
  }
  return await startComposeApp(services, {
    service: 'postgresql',
    user: 'authentik',
    name: 'authentik',
    sql: authentikSql,
  })
}
