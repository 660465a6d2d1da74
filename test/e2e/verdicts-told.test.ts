import assert from 'node:assert/strict'
import { readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { filesHost, type FilesHost } from './files-host.ts'

/** What verify, drill, points and status say of a point, in text, JSON and exit code, without a server. */
interface Stage {
  readonly host: FilesHost
  readonly point: string
  /** Runs in text, which has to end with `code`. */
  readonly text: (code: number, ...args: readonly string[]) => Promise<string>
  /** The line that `points` has of the point. */
  readonly row: (code?: number) => Promise<string>
  /** Changes one bit of a blob of the point, or changes it back. */
  readonly flip: (name: string) => Promise<void>
}

/** `edit` changes the configuration before the point is made. */
async function stageFor(t: TestContext, edit: Parameters<FilesHost['edit']>[0] = () => undefined): Promise<Stage> {
  const host = await filesHost(t)
  const identity = join(host.folder, 'identity.txt')
  await host.json(['key', 'export', 'recovery', '--to', identity])
  await host.edit((config) => {
    // No password is worked on for a second at each command.
    config.identity = `file:${identity}`
    edit(config)
  })
  const made = await host.run('backup', '--json')
  // Also of a backup that is incomplete.
  const { report } = JSON.parse(made.out) as { report: { point: string } }
  return stageOf(host, report.point)
}

function stageOf(host: FilesHost, point: string): Stage {
  const text: Stage['text'] = async (code, ...args) => {
    const ran = await host.run(...args, '--quiet')
    assert.equal(ran.code, code, `${args.join(' ')}: ${ran.out}${ran.error}`)
    return ran.out
  }
  return {
    host,
    point,
    text,
    row: async (code = 0) => (await text(code, 'points')).split('\n').find((line) => line.startsWith(point)) ?? '',
    flip: async (name) => {
      const path = join(host.folder, 'repository-main', 'data', point, name)
      const bytes = await readFile(path)
      bytes[60]! ^= 1
      await rm(path)
      await writeFile(path, bytes)
    },
  }
}

interface Verdict {
  readonly report: {
    readonly recorded: boolean
    readonly keptHere?: boolean
    readonly recordingFailure?: { readonly kind: string }
  }
}

const NUMBERS = /read and decrypted|archives read whole|restored in|recovery time/

test('a point that cannot be opened is told without numbers, and is good in no list', async (t) => {
  const { host, point, text, row, flip } = await stageFor(t)
  assert.match(await row(), /read back/)
  await flip('keys-1')
  const verified = await text(30, 'verify', point)
  assert.match(verified, /DAMAGED[^]*keys-1 is not what was stored/)
  assert.match(await row(), /FAILED .*VERIFY OF .* FAILED/)
  const drilled = await text(30, 'drill')
  assert.match(drilled, /: FAILED\n[^]*keys-1 is not what was stored/)
  assert.doesNotMatch(verified + drilled, NUMBERS)
  assert.match(await row(), /FAILED .*DRILL OF .* FAILED/)
  assert.doesNotMatch(await row(), /read back/)
  assert.match(await text(13, 'check'), /ERROR +private key: the newest restore point .* is not opened: .*keys-1/)
  assert.match(
    await text(30, 'status'),
    /^portal +UNPROTECTED .*failed its verify or drill.* -> Run holdfast backup[^\n]*\n$/,
  )
  await flip('keys-1')
  await text(0, 'verify', point)
  assert.match(await row(), /DRILL OF .* FAILED/, 'a verify restores nothing')
  assert.match(await text(0, 'show', point), /state +FAILED: drill of /)
  await text(0, 'drill')
  assert.match(await row(), /restored/)
  await rename(join(host.folder, 'repository-main', 'data', point), join(host.folder, 'away'))
  assert.match(await row(30), /DAMAGED/)
})

test('a proof that is not taken is told beside the verdict, which decides the exit', async (t) => {
  const { host, point, text, flip } = await stageFor(t)
  // In the place of the folder, so that nothing can be written there whoever runs this.
  await writeFile(join(host.folder, 'repository-main', 'proofs'), '')
  for (const args of [['verify', point], ['drill']]) {
    assert.match(
      await text(13, ...args),
      /(as it was written|restored, equal)[^]*NOT RECORDED in the repository: .*proofs/,
    )
    const { recorded, keptHere, recordingFailure } = (await host.json<Verdict>(args, 13)).report
    assert.deepEqual([recorded, keptHere, recordingFailure?.kind], [false, true, 'refused'])
  }
  await flip('000001')
  for (const args of [['verify', point], ['drill']]) {
    assert.match(await text(30, ...args), /(DAMAGED|FAILED)[^]*NOT RECORDED in the repository/)
    assert.equal((await host.json<Verdict>(args, 30)).report.recordingFailure?.kind, 'refused')
  }
})

test('numbers are those of work that was done', async (t) => {
  const { point, text, flip } = await stageFor(t)
  const whole = await text(0, 'verify', point)
  assert.match(whole, /[1-9]\d* B read and decrypted in .*; archives read whole: files/)
  assert.match(await text(0, 'drill'), /kB restored in .* \(measured recovery time\)/)
  await flip('000001')
  assert.match(await text(30, 'verify', point), /archives read whole: none/)
  assert.match(await text(30, 'drill'), /FAILED\nnothing was restored, after/)
})

test('a drill of an incomplete point names what is missing, and ends with 3', async (t) => {
  const { host, point, text, row } = await stageFor(t, ({ apps }) => {
    apps['portal']!.components['lost'] = { kind: 'files', path: '/nowhere/at/all' }
  })
  const drilled = await text(3, 'drill', '--at', point)
  assert.match(drilled, /RESTORED IN PART[^]*not in the point: lost \(files\): /)
  const { report } = await host.json<{ report: { ok: boolean; outcome: string; missing: { name: string }[] } }>(
    ['drill', '--at', point],
    3,
  )
  assert.deepEqual([report.ok, report.outcome, report.missing[0]?.name], [false, 'restored in part', 'lost'])
  assert.match(await row(), /INCOMPLETE, restored in part/)
  assert.match(await text(0, 'show', point), /drill .*in part/)
  assert.match(await text(0, 'verify', point), /but the point is INCOMPLETE[^]*not in the point: lost/)
})

test('what cannot be read is called so, and no list is empty for want of it', async (t) => {
  const { host, point, text } = await stageFor(t)
  const repository = join(host.folder, 'repository-main')
  const commit = join(repository, 'points', `${point}.json`)
  await text(0, 'hold', point)
  const [hold = ''] = await readdir(join(repository, 'proofs', point))
  const proof = join('proofs', point, hold)
  await rename(join(repository, proof), join(host.folder, 'proof'))
  await symlink('/nowhere', join(repository, proof))
  assert.match(await text(3, 'points'), new RegExp(`held[^]*^NOT READ main: ${proof}`, 'm'))
  assert.match(await text(13, 'status'), /AT RISK .*proofs/)
  await rename(commit, join(host.folder, 'commit'))
  await symlink('/nowhere', commit)
  assert.match(await text(3, 'points'), new RegExp(`^NOT READ ${point} in main: points/${point}\\.json is a link`, 'm'))
  await rename(repository, join(host.folder, 'away'))
  const away = await text(3, 'points')
  assert.match(away, /^No restore point was read\.\nNOT READ main: /)
  assert.match(await text(20, 'status'), /^portal +UNKNOWN .*repository main could not be read/)
})
