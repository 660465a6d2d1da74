import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { isFailure } from '../../src/core/failure.ts'
import type { Context } from '../../src/core/ports.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import type { RestoreTarget } from '../../src/components/target.ts'
import { Died, dyingEffects, recordingEffects } from '../parts/dying-effects.ts'
import { at, startOpenbao } from '../parts/openbao.ts'
import { captureToMemory, fillWithEverything, sourceOf } from '../parts/openbao-points.ts'
import type { MemoryPoint } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

const bao = await startOpenbao('inmem')
const context = testContext()
const ID = '0a1b2c3d'

function open(
  mode: 'swap' | 'in-place',
  settings: OpenbaoSettings = bao.settings(),
): Promise<RestoreTarget<OpenbaoDetails>> {
  return openbaoDriver.open(settings, { mode, restoreId: ID }, context)
}

async function restore(
  target: RestoreTarget<OpenbaoDetails>,
  point: MemoryPoint,
  given: Context = context,
): Promise<void> {
  await target.load(point.details, point.source, given)
  assert.deepEqual(await target.compare(point.details, given), [])
  await target.fence(given)
  await target.swap(point.details, given)
  await target.reopen(given)
}

async function empty(): Promise<void> {
  const mounts = at(await bao.must('GET', 'sys/mounts'), 'data') ?? {}
  for (const [path, mount] of Object.entries(mounts))
    if (at(mount, 'type') === 'kv') await bao.must('DELETE', `sys/mounts/${path.slice(0, -1)}`)
}

/** All that can be seen, without times. */
async function content(): Promise<unknown> {
  const point = await captureToMemory(bao.settings())
  const text = point.artifacts.get('secrets')?.toString('utf8') ?? ''
  return text.replaceAll(/,"(created|updated|deleted|expires)":"[^"]*"/g, '').split('\n')
}

const value = async (path: string): Promise<unknown> => at((await bao.ask('GET', path)).body, 'data')

async function small(): Promise<MemoryPoint> {
  await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
  await bao.must('POST', 'sys/mounts/p', { type: 'kv' })
  await bao.must('POST', 's/data/a', { data: { v: 'captured' } })
  await bao.must('POST', 's/data/b', { data: { v: 'one' } })
  await bao.must('POST', 's/data/b', { data: { v: 'two' } })
  await bao.must('POST', 's/data/off', { data: { v: 'x' } })
  await bao.must('DELETE', 's/data/off')
  await bao.must('POST', 'p/a', { v: 'captured' })
  const point = await captureToMemory(bao.settings())
  await bao.must('POST', 's/data/a', { data: { v: 'live' } })
  await bao.must('DELETE', 's/metadata/b')
  await bao.must('POST', 's/data/off', { data: { v: 'on again' } })
  await bao.must('POST', 's/data/extra', { data: { v: 'extra' } })
  await bao.must('POST', 'p/a', { v: 'live' })
  await bao.must('POST', 'p/extra', { v: 'extra' })
  return point
}

beforeEach(empty)

test(
  'everything comes back into an empty server, in place, and again without a change',
  { timeout: 600_000 },
  async () => {
    await fillWithEverything(bao)
    const [before, point] = [await content(), await captureToMemory(bao.settings())]
    await empty()
    const settings = bao.settings({ createMounts: true })
    const names: string[] = []
    for (const run of ['first', 'second']) {
      const effects = recordingEffects()
      const target = await open('in-place', settings)
      await target.load(point.details, point.source, { ...context, effects })
      assert.deepEqual(await target.compare(point.details, context), [], run)
      names.push(String(effects.seen.length))
      if (run === 'second')
        assert.deepEqual(
          effects.seen.filter(({ name }) => !name.includes('configure')),
          [],
        )
    }
    const after = await content()
    assert.deepEqual(withoutLost(after), withoutLost(before))
  },
)

/** Which versions of a secret were pruned shows as destroyed until its next write. */
function withoutLost(lines: unknown): string[] {
  return (lines as string[]).map((line) => line.replaceAll(/\{"version":\d+,"state":"destroyed"\},?/g, ''))
}

test('a swap brings values back as the next version, leaves others, and can be undone', async () => {
  const point = await small()
  const target = await open('swap')
  assert.equal(await target.state(context), 'untouched')
  await target.load(point.details, point.source, context)
  assert.equal(await target.state(context), 'staged')
  assert.deepEqual(at(await value('s/data/a'), 'data'), { v: 'live' })
  await restore(target, point)
  assert.equal(await target.state(context), 'swapped')
  assert.deepEqual(at(await value('s/data/a'), 'data'), { v: 'captured' })
  assert.equal(at(await value('s/metadata/a'), 'current_version'), 3)
  assert.deepEqual(at(await value('s/data/b?version=1'), 'data'), { v: 'one' })
  assert.equal((await bao.ask('GET', 's/data/off')).status, 404, 'what was deleted stays deleted')
  assert.deepEqual(await value('p/a'), { v: 'captured' })
  assert.deepEqual(at(await value('s/data/extra'), 'data'), { v: 'extra' })
  const kept = await openbaoDriver.listRetained(bao.settings(), context)
  assert.deepEqual(
    kept.map(({ restoreId }) => restoreId),
    [ID],
  )
  assert.deepEqual(
    (await captureToMemory(bao.settings())).details.secrets,
    point.details.secrets + 2,
    'our own folder is not captured',
  )
  await target.undo(context)
  assert.deepEqual(at(await value('s/data/a'), 'data'), { v: 'live' })
  assert.equal((await bao.ask('GET', 's/data/b')).status, 404)
  assert.deepEqual(at(await value('s/data/off'), 'data'), { v: 'on again' })
  assert.deepEqual(await value('p/a'), { v: 'live' })
  await target.forget(context)
  assert.equal((await bao.ask('GET', 's/metadata/holdfast-restore?list=true')).status, 404)
  assert.deepEqual(await openbaoDriver.listRetained(bao.settings(), context), [])
})

test('with pruneExtra what the point lacks is deleted, and undo brings it back', async () => {
  const point = await small()
  const target = await open('swap', bao.settings({ pruneExtra: true }))
  await restore(target, point)
  assert.equal((await bao.ask('GET', 's/data/extra')).status, 404)
  assert.equal((await bao.ask('GET', 'p/extra')).status, 404)
  await target.undo(context)
  assert.deepEqual(at(await value('s/data/extra'), 'data'), { v: 'extra' })
  assert.deepEqual(await value('p/extra'), { v: 'extra' })
})

test('a path that is denied makes the restore incomplete, with its name, and the others are as before', async () => {
  const point = await small()
  const token = await bao.tokenWith(
    ['s/*', 'p/*', 'sys/mounts', 'sys/internal/ui/mounts/*']
      .map((path) => `path "${path}" { capabilities = ["create","read","update","delete","list"] }`)
      .join('\n') + '\npath "s/data/a" { capabilities = ["read"] }',
  )
  const target = await open('swap', bao.settings({ token }))
  await target.load(point.details, point.source, context)
  await assert.rejects(
    target.swap(point.details, context),
    (error: unknown) => isFailure(error, 'incomplete') && /1 of 4 secrets.*s\/a: .*denied/.test(error.message),
  )
  assert.equal(await target.state(context), 'fenced')
  await target.reopen(context)
  assert.equal(await target.state(context), 'untouched')
  assert.deepEqual(await value('p/a'), { v: 'live' })
  assert.equal((await bao.ask('GET', 's/data/b')).status, 404)
})

test('each kind of difference is found', async () => {
  const point = await small()
  const target = await open('in-place')
  await target.load(point.details, point.source, context)
  const subjects = async (): Promise<string[]> =>
    (await target.compare(point.details, context)).map(
      ({ subject, expected, found }) => `${subject}: ${expected}, ${found}`,
    )
  assert.deepEqual(await subjects(), [])
  await bao.must('POST', 's/data/a', { data: { v: 'moved' } })
  await bao.must('POST', 's/metadata/b', { max_versions: 3 })
  await bao.must('POST', 's/delete/b', { versions: [1] })
  await bao.must('POST', 's/undelete/off', { versions: [2] })
  await bao.must('POST', 'p/a', { v: 1 })
  assert.deepEqual(
    (await subjects()).sort(),
    [
      'secret p/a: the captured value, another value',
      's'.concat('ecret s/a: the captured value, another value'),
      'secret s/b version 1: live, deleted',
      'secret s/b: the captured metadata, another metadata',
      'secret s/off: deleted, live',
    ].sort(),
  )
  await bao.must('DELETE', 's/metadata/a')
  assert.ok((await subjects()).includes('secret s/a: there, missing'))
})

test('a list of secrets that was changed is corrupt and changes nothing', async () => {
  const point = await small()
  const changed = Buffer.from(String(point.artifacts.get('secrets')).replace('captured', 'forged!!'))
  const target = await open('swap')
  await target.load(point.details, sourceOf(new Map([['secrets', changed]])), context)
  await assert.rejects(target.compare(point.details, context), (error) => isFailure(error, 'corrupt'))
  await target.discard(context)
  assert.deepEqual(await value('p/a'), { v: 'live' })
})

/** What the restore keeps beside its record. */
async function keptNames(): Promise<unknown> {
  const answer = await bao.must('GET', `p/holdfast-restore/${ID}?list=true`)
  const names: unknown = at(answer, 'data', 'keys')
  return Array.isArray(names) ? names.filter((name) => name !== 'state') : names
}

test('a run that dies at any effect can be finished or taken back', { timeout: 300_000 }, async (t) => {
  const effects = recordingEffects()
  await restore(await open('swap'), await small(), { ...context, effects })
  t.diagnostic(effects.seen.map(({ name }) => name).join(', '))
  assert.ok(effects.seen.length > 12)
  // A second occurrence is a write that a slow server asked to repeat; the next run may not need it.
  for (const effect of effects.seen.filter(({ occurrence }) => occurrence === 1)) {
    for (const when of ['before', 'after'] as const) {
      await empty()
      const point = await small()
      const where = `${when} ${effect.name}`
      const dying = { ...context, effects: dyingEffects(effect, when) }
      await assert.rejects(restore(await open('swap'), point, dying), Died, where)
      const target = await open('swap')
      if (when === 'before') {
        if (['untouched', 'staged'].includes(await target.state(context)))
          await target.load(point.details, point.source, context)
        await target.swap(point.details, context)
        await target.reopen(context)
        assert.deepEqual(at(await value('s/data/a'), 'data'), { v: 'captured' }, where)
        assert.deepEqual(await value('p/a'), { v: 'captured' }, where)
        assert.equal(at(await value('s/metadata/a'), 'current_version'), 3, `nothing twice: ${where}`)
        assert.equal(at(await value('s/metadata/b'), 'current_version'), 2, where)
        assert.deepEqual(await keptNames(), ['previous/'], where)
      } else {
        if ((await target.state(context)) === 'swapped') await target.undo(context)
        await target.reopen(context)
        await target.discard(context)
        assert.deepEqual(at(await value('s/data/a'), 'data'), { v: 'live' }, where)
        assert.deepEqual(await value('p/a'), { v: 'live' }, where)
        assert.equal((await bao.ask('GET', 's/data/b')).status, 404, where)
      }
    }
  }
})
