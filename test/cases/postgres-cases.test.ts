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

for (const [name, one] of Object.entries(postgresCases)) test(name, () => tryCase(postgres, lab, name, one))

/** They are restored, which compares; elsewhere than in `npm run soak` the others show that a drill does the same. */
const isDrilled = process.env['HOLDFAST_SOAK'] === '1'
for (const [name, one] of Object.entries(postgresSiblings))
  test(name, () => tryCase(postgres, lab, name, one, { isDrilled }))
