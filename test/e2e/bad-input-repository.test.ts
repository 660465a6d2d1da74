import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateSigner, parseSigner } from '../../src/repository/keys/signer.ts'
import { backUp, changesNothing, expectFailure, listed, pointIds } from './expect.ts'
import { forkLab, startReadyLab, type Lab } from './lab.ts'
import {
  artifactsOf,
  commitOf,
  cutOff,
  flipBit,
  keysOf,
  readCommitOf,
  removeBlob,
  signerOf,
  strangePoint,
  swapBlobs,
  writeCommit,
} from './tamper.ts'

/** Wrong keys, and repositories that somebody or something has damaged: every one is told for what it is. */
const base = await startReadyLab()
await base.edit((config) => (config.apps['portal']!.retention = { last: 1, minimum: 1 }))
const older = await backUp(base)
const point = await backUp(base)

interface VerifyDocument {
  readonly report: {
    readonly ok: boolean
    readonly absent?: { message: string }
    readonly artifacts: readonly {
      role: string
      number: number
      ok: boolean
      failure?: { kind: string; message: string }
    }[]
  }
}

/** Another repository with keys of its own. */
const other = await forkLab(base)
for (const name of ['repository', 'state', 'etc']) await rm(join(other.folder, name), { recursive: true, force: true })
await other.configure()
await other.json(['init', '--identity-file', join(other.folder, 'etc', 'identity.txt')])

const restoreIt = ['restore', '--at', point, '--yes', '--no-safety-point']

test('a wrong password is told apart from damage', async () => {
  const lab = await forkLab(base)
  await lab.edit((config) => delete config.identity)
  await changesNothing(lab, async () => {
    for (const args of [['verify', point], ['drill'], restoreIt]) {
      const error = await expectFailure(
        lab,
        args,
        { code: 12, kind: 'denied', message: /password of identity recovery is wrong/, hint: /Caps Lock/ },
        { HOLDFAST_PASSWORD: 'not the password' },
      )
      assert.doesNotMatch(error.message, /damage|corrupt/i)
    }
  })
  assert.equal((await lab.json<VerifyDocument>(['verify', point])).report.ok, true)
})

test('with two locked keys the password of either opens, and a wrong one is denied by both', async () => {
  const lab = await forkLab(base)
  const second = { HOLDFAST_PASSWORD: 'the second password of two' }
  assert.equal((await lab.runWith(second, 'key', 'add', 'second')).code, 0)
  await lab.edit((config) => delete config.identity)
  assert.equal((await lab.runWith(second, 'verify', point)).code, 0)
  assert.equal((await lab.run('verify', point)).code, 0)
  await expectFailure(
    lab,
    ['verify', point],
    { code: 12, kind: 'denied', message: /none of the private keys recovery, second/, hint: /Caps Lock/ },
    { HOLDFAST_PASSWORD: 'of none of the two' },
  )
})

test('without a password and a terminal it says how to give one', async () => {
  const lab = await forkLab(base)
  await lab.edit((config) => delete config.identity)
  await expectFailure(
    lab,
    ['verify', point],
    { code: 2, kind: 'usage', message: /no terminal to ask for a password/, hint: /HOLDFAST_PASSWORD/ },
    { HOLDFAST_PASSWORD: '' },
  )
})

test("another person's identity file is denied", async () => {
  const lab = await forkLab(base)
  await lab.edit((config) => (config.identity = `file:${join(other.folder, 'etc', 'identity.txt')}`))
  await changesNothing(lab, async () => {
    for (const args of [['verify', point], restoreIt])
      await expectFailure(lab, args, {
        code: 12,
        kind: 'denied',
        message: new RegExp(`no identity at hand opens restore point ${point}`),
        hint: /recipients/,
      })
  })
})

test('an identity file that is missing or holds no key is named', async () => {
  const lab = await forkLab(base)
  const file = join(lab.folder, 'etc', 'identity.txt')
  await writeFile(file, '# nothing here\n')
  await expectFailure(lab, ['verify', point], { code: 2, kind: 'usage', message: /identity/, hint: /AGE-SECRET-KEY-1/ })
  await rm(file)
  await changesNothing(lab, () =>
    expectFailure(lab, restoreIt, { code: 10, kind: 'notFound', message: /identity\.txt/, hint: /./ }),
  )
})

/** Verify and restore must both see it, name it, and leave everything as it is. */
async function assertDamaged(lab: Lab, message: RegExp): Promise<void> {
  await changesNothing(lab, async () => {
    const { report } = await lab.json<VerifyDocument>(['verify', point], 30)
    assert.equal(report.ok, false)
    const failures = [
      report.absent?.message ?? '',
      ...report.artifacts.map(({ failure }) => failure?.message ?? ''),
    ].join('\n')
    assert.match(failures, message)
    await expectFailure(lab, restoreIt, {
      code: 30,
      kind: 'corrupt',
      message,
      hint: /another restore point|holdfast points/,
    })
  })
  // A listing sees what is gone or of another size, before anybody reads it.
  const { code } = await lab.run('points')
  assert.ok(code === 0 || code === 30, String(code))
  const listing = await listed(lab, code)
  assert.match(listing.points.find((one) => one.point === point)?.failedProof ?? '', /verify .* failed/)
}

test('one flipped bit in an artifact is found, whichever it is', async () => {
  for (const name of await artifactsOf(base, point)) {
    const lab = await forkLab(base)
    await flipBit(lab, name)
    const number = Number(name.slice(-6))
    const { report } = await lab.json<VerifyDocument>(['verify', point], 30)
    assert.deepEqual(
      report.artifacts.filter(({ ok }) => !ok).map((artifact) => artifact.number),
      [number],
    )
  }
})

test('a flipped bit stops a restore before the first statement', async () => {
  const lab = await forkLab(base)
  const [largest = ''] = await artifactsOf(lab, point)
  await flipBit(lab, largest)
  await assertDamaged(lab, new RegExp(`artifact ${Number(largest.slice(-6))} .*${point}|${largest}`))
})

test('a truncated artifact is damage, at a chunk and within one', async () => {
  for (const bytes of [1, 16_400]) {
    const lab = await forkLab(base)
    const [largest = ''] = await artifactsOf(lab, point)
    await cutOff(lab, largest, bytes)
    await assertDamaged(lab, new RegExp(largest))
  }
})

test('two artifacts that changed places are damage', async () => {
  const lab = await forkLab(base)
  const [one = '', other = ''] = await artifactsOf(lab, point)
  await swapBlobs(lab, one, other)
  await assertDamaged(lab, /artifact|data\//)
})

test('the same artifact of another point of the same app is damage', async () => {
  const lab = await forkLab(base)
  const [largest = ''] = await artifactsOf(lab, point)
  await swapBlobs(lab, largest, largest.replace(point, older))
  await assertDamaged(lab, /artifact|data\//)
})

test('a missing artifact is named', async () => {
  const lab = await forkLab(base)
  const [largest = ''] = await artifactsOf(lab, point)
  await removeBlob(lab, largest)
  const ran = await lab.run('points')
  assert.deepEqual([ran.code, ran.out.includes(`DAMAGED ${point} in main: ${largest} is gone`)], [30, true], ran.out)
  await assertDamaged(lab, new RegExp(largest))
})

test('what stands in the place of a commit is named as not read, and the others stay good', async () => {
  const lab = await forkLab(base)
  const commit = join(lab.repository, `points/${older}.json`)
  await rm(commit)
  await symlink('/nowhere', commit)
  const ran = await lab.run('points')
  assert.equal(ran.code, 3, ran.out)
  assert.match(ran.out, new RegExp(`NOT READ ${older} in main: points/${older}\\.json is a link`))
  assert.equal((await lab.json<VerifyDocument>(['verify', point])).report.ok, true)
  await expectFailure(lab, ['verify', older], { code: 20, kind: 'unreachable', message: /is a link/, hint: /./ })
})

test('a flipped bit in manifest or keys is a finding of show, verify and drill, and stops a restore', async () => {
  for (const name of [`data/${point}/manifest`, await keysOf(base, point)]) {
    const lab = await forkLab(base)
    await flipBit(lab, name)
    await changesNothing(lab, async () => {
      const message = new RegExp(point)
      await expectFailure(lab, restoreIt, { code: 30, kind: 'corrupt', message, hint: /another restore point/ })
      const shown = await lab.run('show', point)
      assert.equal(shown.code, 30)
      assert.match(shown.out, /^created [^]*^signed by +ed25519:[^]*^CANNOT BE OPENED: .*\n.*restore point/m)
      assert.equal((await lab.json<ShownDocument>(['show', point], 30)).failure?.kind, 'corrupt')
      for (const kind of ['verify', 'drill']) {
        const args = kind === 'verify' ? [kind, point] : [kind, '--at', point]
        const { report } = await lab.json<ClosedDocument>(args, 30)
        assert.deepEqual([report.ok, report.failure?.kind, report.recorded], [false, 'corrupt', true])
        assert.match(report.failure?.message ?? '', new RegExp(point))
        assert.match((await failedProof(lab)) ?? '', new RegExp(`${kind} .* failed`))
      }
    })
    assert.equal((await lab.json<VerifyDocument>(['verify', older])).report.ok, true)
    // It was the only point that the retention of this lab keeps.
    const { reports } = await lab.json<{ reports: { removed: string[]; plan: { unopenable: unknown[] } }[] }>(
      ['prune'],
      30,
    )
    assert.deepEqual([reports[0]?.removed, reports[0]?.plan.unopenable.length], [[], 1])
    assert.deepEqual(await pointIds(lab), [older, point])
  }
})

type ShownDocument = Pick<ClosedDocument['report'], 'failure'>

interface ClosedDocument {
  readonly report: {
    readonly ok: boolean
    readonly recorded: boolean
    readonly failure?: { readonly kind: string; readonly message: string }
  }
}

async function failedProof(lab: Lab): Promise<string | null | undefined> {
  return (await listed(lab)).points.find((one) => one.point === point)?.failedProof
}

/** A commit that does not count: it is listed as damaged, cannot be used by its id, prune refuses, the others stay good. */
async function assertUnusable(
  lab: Lab,
  id: string,
  kind: 'corrupt' | 'denied' | 'unsupported',
  message: RegExp,
  // A point that this machine saw whole before is missed, and that alarm counts for more than why.
  wasSeen = false,
): Promise<void> {
  const code = { corrupt: 30, denied: 12, unsupported: 31 }[kind]
  const listing = await listed(lab, wasSeen ? 30 : code)
  assert.ok(!listing.points.some((one) => one.point === id))
  assert.deepEqual(
    listing.damaged.map((one) => [one.point, one.kind]),
    [[id, kind]],
  )
  assert.match(listing.damaged[0]?.message ?? '', message)
  await changesNothing(lab, async () => {
    for (const args of [
      ['verify', id],
      ['restore', '--at', id, '--yes', '--no-safety-point'],
    ])
      await expectFailure(lab, args, { code, kind, message: new RegExp(id), hint: /./ })
    const { reports } = await lab.json<{
      reports: { removed: string[]; withheld: string[]; swept: { removedBlobs: number } }[]
    }>(['prune'], 13)
    assert.deepEqual([reports[0]?.removed, reports[0]?.swept.removedBlobs], [[], 0])
    assert.match(reports[0]?.withheld.join() ?? '', /cannot be read or trusted/)
  })
  assert.equal((await lab.json<{ report: { outcome: string } }>(['backup'])).report.outcome, 'done', 'a backup goes on')
  assert.equal((await lab.json<VerifyDocument>(['verify', older])).report.ok, true)
}

test('a flipped bit in a commit makes the point unusable and nothing else', async () => {
  const lab = await forkLab(base)
  await flipBit(lab, commitOf(point))
  await assertUnusable(lab, point, 'corrupt', /points\//)
})

test('a commit from another repository does not count', async () => {
  const lab = await forkLab(base)
  const foreign = await backUp(other)
  await cp(join(other.repository, commitOf(foreign)), join(lab.repository, commitOf(foreign)))
  await cp(join(other.repository, 'data', foreign), join(lab.repository, 'data', foreign), { recursive: true })
  await assertUnusable(lab, foreign, 'denied', /signed by ed25519:.*not trusted/)
})

test('a commit from another repository of the same signer does not count', async () => {
  const lab = await forkLab(base)
  const strange = strangePoint()
  await writeCommit(
    lab,
    { ...(await readCommitOf(lab, point)), point: strange, repository: 'f'.repeat(32) },
    await signerOf(lab),
  )
  await assertUnusable(lab, strange, 'corrupt', /belongs to another place/)
})

test('a commit that somebody else signed does not count', async () => {
  const lab = await forkLab(base)
  const strange = strangePoint()
  await writeCommit(
    lab,
    { ...(await readCommitOf(lab, point)), point: strange, sequence: 99 },
    parseSigner(generateSigner().file),
  )
  await assertUnusable(lab, strange, 'denied', /signed by ed25519:.*not trusted/)
})

test('a commit that was signed again by somebody else makes the point unusable', async () => {
  const lab = await forkLab(base)
  await writeCommit(lab, await readCommitOf(lab, point), parseSigner(generateSigner().file))
  await assertUnusable(lab, point, 'denied', /not trusted/, true)
})

test('a rolled-back bucket raises an alarm that does not end by itself, and prune refuses', async () => {
  const lab = await forkLab(base)
  assert.deepEqual((await listed(lab)).alarms, [])
  await removeBlob(lab, commitOf(point))
  for (const _time of [1, 2]) {
    const listing = await listed(lab, 30)
    assert.match(listing.alarms.join('\n'), new RegExp(`${point} was here before and is gone without a tombstone`))
    assert.match(listing.alarms.join('\n'), /older than what this machine saw before/)
    assert.deepEqual(
      listing.points.map((one) => one.point),
      [older],
    )
  }
  const { reports } = await lab.json<{ reports: { removed: string[]; withheld: string[] }[] }>(['prune'], 13)
  assert.deepEqual(reports[0]?.removed, [])
  assert.match(reports[0]?.withheld.join() ?? '', new RegExp(point))
  assert.equal((await lab.json<{ ok: boolean }>(['check'], 13)).ok, false)
  await backUp(lab)
  await listed(lab, 30)
})

test('a repository from a newer format is left alone', async () => {
  const lab = await forkLab(base)
  const file = join(lab.repository, 'holdfast.json')
  await writeFile(file, (await readFile(file, 'utf8')).replace(/"format":\s*1/, '"format":2'))
  const before = await readdir(lab.repository, { recursive: true })
  for (const args of [['backup'], ['verify', 'latest'], ['restore', '--yes'], ['prune'], ['hold', point]]) {
    await expectFailure(lab, args, { code: 31, kind: 'unsupported', message: /holdfast\.json/, hint: /newer/ })
  }
  assert.equal((await listed(lab, 3)).unread.length, 1)
  assert.deepEqual(await readdir(lab.repository, { recursive: true }), before)
})

test('a commit of a newer format is unusable, not damaged', async () => {
  const lab = await forkLab(base)
  const strange = strangePoint()
  await writeCommit(lab, { ...(await readCommitOf(lab, point)), point: strange, format: 2 as 1 }, await signerOf(lab))
  await assertUnusable(lab, strange, 'unsupported', /format/)
})

test('a folder without a repository may be an unmounted volume: nothing is written to it', async () => {
  const lab = await forkLab(base)
  await rm(join(lab.repository, 'holdfast.json'))
  const before = await readdir(lab.repository, { recursive: true })
  for (const args of [['backup'], restoreIt])
    await expectFailure(lab, args, { code: 10, kind: 'notFound', message: /holdfast\.json/, hint: /mounted/ })
  assert.deepEqual(await readdir(lab.repository, { recursive: true }), before)
  assert.deepEqual(await pointIds(base), [older, point])
})
