import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { isFailure } from '../../../core/failure.ts'
import type { RestoreTarget } from '../../target.ts'
import { filesDriver } from '../driver.ts'
import type { FilesDetails } from '../schema.ts'
import { capture, contextWith, settingsFor, temporaryFolder, type Capture } from '../testing/trees.ts'

const ID = '0123abcd'
const context = contextWith()

interface Stage {
  readonly live: string
  readonly captured: Capture
  readonly target: RestoreTarget<FilesDetails>
}

/** A live folder that was captured with `captured` in it and has `current` now. */
async function stage(t: TestContext): Promise<Stage> {
  const live = join(await temporaryFolder(t), 'data')
  await mkdir(join(live, 'd'), { recursive: true })
  await writeFile(join(live, 'd', 'version'), 'captured')
  const captured = await capture(settingsFor(live))
  await writeFile(join(live, 'd', 'version'), 'current')
  return { live, captured, target: await targetOf(live) }
}

function targetOf(live: string, mode: 'swap' | 'in-place' = 'swap'): Promise<RestoreTarget<FilesDetails>> {
  return filesDriver.open(settingsFor(live), { mode, restoreId: ID }, context)
}

async function version(live: string): Promise<string> {
  return await readFile(join(live, 'd', 'version'), 'utf8').catch(() => 'none')
}

const siblings = async (live: string): Promise<string[]> => (await readdir(dirname(live))).sort()
const refused = (error: unknown): boolean => isFailure(error, 'refused')

test('a restore goes beside, is swapped in, undone and forgotten', async (t) => {
  const { live, captured, target } = await stage(t)
  assert.equal(await target.state(context), 'untouched')
  await target.load(captured.details, captured.artifacts, context)
  assert.deepEqual([await target.state(context), await version(live)], ['staged', 'current'])
  assert.deepEqual(await target.compare(captured.details, context), [])
  await target.fence(context)
  await target.swap(captured.details, context)
  await target.reopen(context)
  assert.deepEqual([await target.state(context), await version(live)], ['swapped', 'captured'])
  assert.deepEqual(await siblings(live), ['data', `data.holdfast-prev-${ID}`])

  await target.undo(context)
  assert.deepEqual([await target.state(context), await version(live)], ['untouched', 'current'])
  assert.equal(await version(`${live}.holdfast-undone-${ID}`), 'captured')
  await target.undo(context)
  await target.forget(context)
  assert.deepEqual([await siblings(live), await version(live)], [['data'], 'current'])
})

test('kept says what can be undone, and until when', async (t) => {
  const { live, captured, target } = await stage(t)
  await target.load(captured.details, captured.artifacts, context)
  assert.deepEqual(await filesDriver.listRetained(settingsFor(live), context), [])
  const before = Date.now() - 1000
  await target.swap(captured.details, context)
  await mkdir(`${live}.holdfast-prev-not-an-id`)
  const [kept, ...others] = await filesDriver.listRetained(settingsFor(live, { keepPreviousHours: 1 }), context)
  assert.deepEqual([kept?.restoreId, kept?.description, others], [ID, `folder ${live}.holdfast-prev-${ID}`, []])
  assert.ok(
    kept !== undefined && kept.since.getTime() > before && kept.until.getTime() - kept.since.getTime() === 3_600_000,
  )
})

test('what is refused: a swap of nothing or of half a folder, undo of nothing, a second load after the swap', async (t) => {
  const { live, captured, target } = await stage(t)
  await assert.rejects(target.swap(captured.details, context), refused)
  await assert.rejects(target.undo(context), refused)
  await target.load(captured.details, captured.artifacts, context)
  await unlink(`${live}.holdfast-r-${ID}/entries.jsonl`)
  await assert.rejects(target.swap(captured.details, context), refused)
  assert.equal(await version(live), 'current')
  await target.load(captured.details, captured.artifacts, context)
  await target.swap(captured.details, context)
  await assert.rejects(target.load(captured.details, captured.artifacts, context), refused)
  await rename(live, `${live}.away`)
  await assert.rejects(target.forget(context), refused)
  assert.equal(await version(`${live}.holdfast-prev-${ID}`), 'current')
})

test('a folder that someone makes between the two renames does not lose the old one', async (t) => {
  const { live, captured, target } = await stage(t)
  await target.load(captured.details, captured.artifacts, context)
  await rename(live, `${live}.holdfast-prev-${ID}`)
  await mkdir(live)
  await writeFile(join(live, 'new'), '')
  assert.equal(await target.state(context), 'fenced')
  await assert.rejects(target.swap(captured.details, context), refused)
  await assert.rejects(target.reopen(context), refused)
  await rm(join(live, 'new'))
  await target.reopen(context)
  assert.deepEqual([await target.state(context), await version(live)], ['staged', 'current'])
})

test('a folder that someone makes while an undo is cut off does not stop the undo', async (t) => {
  const { live, captured, target } = await stage(t)
  await target.load(captured.details, captured.artifacts, context)
  await target.swap(captured.details, context)
  await rename(live, `${live}.holdfast-undone-${ID}`)
  await mkdir(live)
  await target.undo(context)
  assert.deepEqual([await target.state(context), await version(live)], ['untouched', 'current'])
})

test('discard between the two renames brings the old folder back before it removes anything', async (t) => {
  const { live, captured, target } = await stage(t)
  await target.load(captured.details, captured.artifacts, context)
  await rename(live, `${live}.holdfast-prev-${ID}`)
  await target.discard(context)
  assert.deepEqual([await siblings(live), await version(live)], [['data'], 'current'])
})

test('preflight names what would fail or be lost', async (t) => {
  const { live, captured, target } = await stage(t)
  const found = async (details = captured.details): Promise<string[]> =>
    (await target.preflight(details, context))
      .filter(({ level }) => level !== 'ok')
      .map(({ level, subject, message }) => `${level} ${subject}: ${message}`)
  assert.deepEqual(await found(), [])
  await writeFile(join(live, 'app.log'), '')
  assert.match(
    (await found({ ...captured.details, exclude: ['*.log'] })).join('\n'),
    /warning .*1 entries .*previous folder: app\.log/,
  )
  assert.match((await found({ ...captured.details, bytes: 2 ** 52 })).join('\n'), /error .*free space/)
  assert.match(
    (await found({ ...captured.details, users: [{ id: 0, name: 'nobody-here' }] })).join('\n'),
    /warning user nobody-here: had number 0/,
  )
  assert.match(
    (await found({ ...captured.details, escapingLinks: { count: 1, examples: ['a -> /b'] } })).join('\n'),
    /warning symbolic links: 1 .*a -> \/b/,
  )
  await rm(live, { recursive: true })
  assert.match((await found()).join('\n'), /warning .*will be made/)
  await symlink('elsewhere', live)
  assert.match((await found()).join('\n'), /error .*symbolic link/)
})

test('in place: captured files are replaced, others stay, links in the way are not followed', async (t) => {
  const { live, captured } = await stage(t)
  const outside = join(dirname(live), 'outside')
  await mkdir(outside)
  await writeFile(join(outside, 'version'), 'untouched')
  await rm(join(live, 'd'), { recursive: true })
  await symlink(outside, join(live, 'd'))
  await writeFile(join(live, 'extra'), 'stays')
  const target = await targetOf(live, 'in-place')
  await target.load(captured.details, captured.artifacts, context)
  assert.deepEqual(await target.compare(captured.details, context), [])
  await target.reopen(context)
  assert.deepEqual(
    [
      await version(live),
      await readFile(join(live, 'extra'), 'utf8'),
      await readFile(join(outside, 'version'), 'utf8'),
    ],
    ['captured', 'stays', 'untouched'],
  )
  assert.deepEqual((await readdir(live)).sort(), ['d', 'extra'])
  await assert.rejects(target.undo(context), refused)
})

test('in place: a file is replaced whole, and a link that points to a victim is replaced itself', async (t) => {
  const { live, captured } = await stage(t)
  const victim = join(dirname(live), 'victim')
  await writeFile(victim, 'untouched')
  await unlink(join(live, 'd', 'version'))
  await symlink(victim, join(live, 'd', 'version'))
  const target = await targetOf(live, 'in-place')
  await target.load(captured.details, captured.artifacts, context)
  assert.deepEqual(await target.compare(captured.details, context), [])
  assert.deepEqual([await version(live), await readFile(victim, 'utf8')], ['captured', 'untouched'])
  await writeFile(join(live, 'd', 'version'), 'changed!')
  await chmod(join(live, 'd', 'version'), 0o640)
  await utimes(live, 5, 5)
  assert.ok((await target.compare(captured.details, context)).length >= 3)
})

test('in place: a folder where a file was captured is refused and stays', async (t) => {
  const { live, captured } = await stage(t)
  await unlink(join(live, 'd', 'version'))
  await mkdir(join(live, 'd', 'version'))
  const target = await targetOf(live, 'in-place')
  await assert.rejects(target.load(captured.details, captured.artifacts, context), refused)
  await target.discard(context)
  assert.deepEqual(await readdir(live), ['d'])
})

for (const mode of ['swap', 'in-place'] as const) {
  test(`on a host that has none of the folders above it, a restore (${mode}) makes them and says so before`, async (t) => {
    const { captured } = await stage(t)
    const above = join(await temporaryFolder(t), 'srv', 'app')
    const target = await targetOf(join(above, 'data'), mode)
    const findings = await target.preflight(captured.details, context, captured.artifacts)
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    )
    assert.ok(findings.some(({ subject, message }) => subject === `folder ${above}` && /will be made/.test(message)))
    await target.load(captured.details, captured.artifacts, context)
    assert.deepEqual(await target.compare(captured.details, context), [])
    if (mode === 'swap') await target.swap(captured.details, context)
    assert.equal(await version(join(above, 'data')), 'captured')
    assert.equal((await stat(above)).mode & 0o777, 0o755)
  })
}
