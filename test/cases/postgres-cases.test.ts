import { test } from 'node:test'
import { startPrivate } from '../parts/postgres.ts'
import { openCasesLab } from './postgres-cases-lab.ts'
import { postgresCases } from './postgres-cases.ts'
import { postgresSiblings } from './postgres-siblings.ts'
import { tryCase } from './try-case.ts'

/** Databases that were hard to bring back, each through the whole command line as an operator has it. */
const postgres = await startPrivate({ fsync: 'off' })
await postgres.sql('postgres', 'create role portal; create role viewer')
const lab = await openCasesLab(postgres)

for (const [name, one] of Object.entries({ ...postgresCases, ...postgresSiblings }))
  test(name, () => tryCase(postgres, lab, name, one))
