import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPrivate } from '../parts/postgres.ts'
import type { TestPostgres } from '../parts/postgres.ts'
import type { Application, Database } from './application.ts'
import { openEnclosure } from './enclosure.ts'
import { install } from './install.ts'
import { prove } from './prove.ts'
import type { Proven } from './prove.ts'
import { startRedis } from './redis.ts'
import { beginVisit } from './visit.ts'
import type { Visit } from './visit.ts'

const DATABASE: Database = { host: '127.0.0.1', port: 5432, name: 'zoo', user: 'zoo', password: 'zoo-password' }

/** Installs an application, lets it make its schema and rows in a server of its own, and proves that they come back. */
export async function tryApplication(application: Application): Promise<Proven> {
  const installed = await install(application)
  const postgres = await startPrivate({ synchronous_commit: 'off', max_connections: '100' })
  const folder = await mkdtemp(join(tmpdir(), 'zoo-'))
  const enclosure = await openEnclosure(postgres.server)
  try {
    await makeDatabase(postgres, application)
    if (application.needs?.redis === true) await startRedis(enclosure, folder)
    const visit = await beginVisit(application, { folder, installed, database: DATABASE }, enclosure)
    await visit.run(visit.life.schema)
    await visit.run(visit.life.rows)
    return await prove(postgres, DATABASE.name, () => expectSettled(visit))
  } finally {
    await enclosure.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The application owns its database and is nobody else on the server. */
async function makeDatabase(postgres: TestPostgres, { needs = {} }: Application): Promise<void> {
  await postgres.sql('postgres', `create role ${DATABASE.user} login password '${DATABASE.password}'`)
  const locale = needs.locale === undefined ? '' : `locale '${needs.locale}'`
  await postgres.createDatabase(DATABASE.name, `template template0 owner ${DATABASE.user} ${locale}`)
  for (const extension of needs.extensions ?? [])
    await postgres.sql(DATABASE.name, `create extension "${extension}" schema public`)
}

async function expectSettled(visit: Visit): Promise<void> {
  const { steps, says, saysNot } = visit.life.settled
  const printed = await visit.run(steps)
  if (!says.test(printed)) throw new Error(`its migrations do not say ${says}:\n${printed.slice(-3000)}`)
  if (saysNot?.test(printed) === true) throw new Error(`its migrations say ${saysNot}:\n${printed.slice(-3000)}`)
}
