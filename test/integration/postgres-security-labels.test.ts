import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fetchRegressionTests } from '../parts/postgres-regression.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import type { Stored } from '../parts/postgres-stored.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { RestoreTarget } from '../../src/components/target.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import { isFailure } from '../../src/core/failure.ts'
import { withTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'
import type { TestPostgres } from '../parts/postgres.ts'

/** The label provider that PostgreSQL's own tests have: some labels it knows, some of those only from a superuser. */
const plain = await startPrivate()
const { libraries } = await fetchRegressionTests(Number(plain.process?.major))
const labelled = await startPrivate({ shared_preload_libraries: join(libraries, 'dummy_seclabel') })
const context = testContext()

const LABELS = `select provider, label from pg_shseclabel where classoid = 'pg_database'::regclass order by 1`

function open(postgres: TestPostgres, over = {}): Promise<RestoreTarget<PostgresDetails>> {
  const request = { mode: 'swap', restoreId: '1a2b3c4d' } as const
  return postgresDriver.open(postgres.settings('app', over), request, context)
}

async function captureLabelled(label: string): Promise<Stored> {
  await labelled.createDatabase('app')
  await labelled.sql('app', `create table public.t (a int); security label for dummy on database app is '${label}'`)
  return captureStored(labelled.settings('app'), context)
}

async function restoreWhole(target: RestoreTarget<PostgresDetails>, { details, source }: Stored): Promise<void> {
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  await target.fence(context)
  await target.swap(details, context)
  await target.reopen(context)
}

test('the security label of a lost database is set on the one that is made anew', async () => {
  const stored = await captureLabelled('classified')
  assert.doesNotMatch(stored.notCaptured.join(), /label/)
  await labelled.dropDatabase('app')
  assert.deepEqual(await labelled.sql('postgres', LABELS), [])
  const target = await open(labelled)
  const findings = await target.preflight(stored.details, context)
  assert.ok(!findings.some(({ subject }) => subject.includes('label')))
  await restoreWhole(target, stored)
  assert.deepEqual(await labelled.sql('postgres', LABELS), [{ provider: 'dummy', label: 'classified' }])
  await target.forget(context)
})

test('a swap carries over the label that the live database has now, and no other', async () => {
  const stored = await captureLabelled('classified')
  await labelled.sql('postgres', `security label for dummy on database app is 'unclassified'`)
  const target = await open(labelled)
  await restoreWhole(target, stored)
  const labels = await labelled.sql('postgres', `${LABELS}, 2`)
  const unclassified = { provider: 'dummy', label: 'unclassified' }
  assert.deepEqual(labels, [unclassified, unclassified])
  await target.undo(context)
  await target.forget(context)
  assert.deepEqual(await labelled.sql('postgres', LABELS), [{ provider: 'dummy', label: 'unclassified' }])
})

test('a server without the provider restores the rest, and says which label is lost and how to set it', async () => {
  const stored = await captureLabelled('secret')
  const target = await open(plain)
  const finding = (await target.preflight(stored.details, context)).find(({ subject }) => subject.includes('label'))
  assert.equal(finding?.level, 'warning')
  assert.equal(finding.subject, 'security label of dummy')
  assert.match(finding.hint ?? '', /security label for 'dummy' on database "app" is 'secret';$/)
  await restoreWhole(target, stored)
  assert.deepEqual(await plain.sql('postgres', LABELS), [])
  await target.forget(context)
})

test('a label that the restoring role may not set stops the restore before rows are loaded, and leaves nothing', async () => {
  const stored = await captureLabelled('secret')
  await labelled.dropDatabase('app')
  await labelled.sql(
    'postgres',
    `create role restorer login createdb password 'r'; grant pg_signal_backend to restorer; alter database postgres owner to restorer`,
  )
  const over = { restoreUser: 'restorer', restorePassword: 'r' }
  const details = { ...stored.details, owner: 'restorer', roles: [] }
  const target = await open(labelled, over)
  let read = 0
  const source = {
    ...stored.source,
    read: (role: string) => {
      read += 1
      return stored.source.read(role)
    },
  }
  await assert.rejects(target.load(details, source, context), (error) => {
    assert.ok(isFailure(error, 'denied'))
    assert.match(error.message, /security label .*app__r_1a2b3c4d.*only superuser/)
    assert.match(error.hint ?? '', /restoreUser/)
    return true
  })
  assert.equal(read, 0)
  assert.equal(await target.state(context), 'untouched')
})

test('labels inside the database come back beside it, and a drill does without them and says so', async () => {
  await labelled.createDatabase('app')
  await labelled.sql(
    'app',
    `create table public.t (a int); insert into public.t values (1); security label for dummy on table public.t is 'classified';
    security label for dummy on column public.t.a is 'unclassified'`,
  )
  const { details, source } = await captureStored(labelled.settings('app'), context)
  const target = await open(labelled)
  assert.deepEqual(
    (await target.preflight(details, context)).filter(({ level }) => level === 'error'),
    [],
  )
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  const side = 'app__r_1a2b3c4d'
  const labels = await labelled.sql(side, 'select label from pg_seclabel order by objsubid')
  assert.deepEqual(
    labels.map(({ label }) => label),
    ['classified', 'unclassified'],
  )
  await labelled.sql(side, 'security label for dummy on column public.t.a is null')
  const [difference] = await target.compare(details, context)
  assert.match(difference?.subject ?? '', /SECURITY LABEL/)
  await target.discard(context)

  const warnings: string[] = []
  const noting = testContext({
    progress: (event) => void (event.type === 'warning' && warnings.push(event.message)),
  })
  await withTemporaryFolder(async (scratchFolder) => {
    const request = { mode: 'scratch', restoreId: '1a2b3c4d', scratchFolder } as const
    const drill = await postgresDriver.open(labelled.settings('app'), request, context)
    await drill.load(details, source, noting)
    assert.deepEqual(await drill.compare(details, context), [])
    await drill.discard(context)
  })
  assert.ok(warnings.some((one) => one.startsWith('security labels are left out')))
})

test('where the provider of labels inside the database is not, the preflight says that the restore would fail', async () => {
  await labelled.createDatabase('app')
  await labelled.sql('app', `create table public.t (a int); security label for dummy on table public.t is 'classified'`)
  const { details, source } = await captureStored(labelled.settings('app'), context)
  await plain.createDatabase('app')
  for (const mode of ['swap', 'in-place'] as const) {
    const request = { mode, restoreId: '1a2b3c4d' }
    const target = await postgresDriver.open(plain.settings('app'), request, context)
    const errors = (await target.preflight(details, context)).filter(({ level }) => level === 'error')
    assert.deepEqual(
      errors.map(({ subject }) => subject),
      ['label provider dummy'],
    )
    assert.match(errors[0]?.hint ?? '', /shared_preload_libraries/)
  }
  await assert.rejects((await open(plain)).load(details, source, context), /"dummy" is not loaded/)
})

test('labels of roles are named as left out', async () => {
  await labelled.createDatabase('app')
  await labelled.sql(
    'app',
    `create role labelled_owner; security label for dummy on role labelled_owner is 'unclassified'; alter database app owner to labelled_owner`,
  )
  const { notCaptured } = await captureStored(labelled.settings('app'), context)
  assert.ok(
    notCaptured.includes('Security labels of roles are not captured: labelled_owner (dummy).'),
    notCaptured.join('\n'),
  )
})
