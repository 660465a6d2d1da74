import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { atTerminal, type Step, type Typed } from '../parts/terminal.ts'
import { PASSWORD, startLab } from './lab.ts'

/** The five minutes of the README as a person has them: in a terminal, with questions and answers. Each step goes on from the one before. */
const lab = await startLab()
const { DATABASE_PASSWORD = '' } = lab.environment

async function type(args: readonly string[], steps: readonly Step[] = [], code = 0): Promise<Typed> {
  const seen = await atTerminal(lab.folder, args, steps, { DATABASE_PASSWORD })
  if (process.env['SHOW_SCREEN'] !== undefined) console.error(`\n$ holdfast ${args.join(' ')}\n${seen.plain}`)
  assert.equal(seen.code, code, seen.plain)
  assert.equal(seen.untyped, 0, `not every question was asked:\n${seen.plain}`)
  assert.ok(!seen.screen.includes(PASSWORD), 'the password is shown')
  return seen
}

test('init asks for the password twice, and does not take two different ones', { timeout: 200_000 }, async () => {
  const init = ['init', '--identity-file', join(lab.folder, 'etc', 'identity.txt')]
  const wrong = await type(
    init,
    [
      { prompt: 'A password that locks', type: PASSWORD },
      { prompt: 'The same password again', type: 'another long password' },
    ],
    2,
  )
  assert.match(wrong.plain, /the two passwords differ/)
  assert.ok(!existsSync(lab.repository) && !existsSync(join(lab.folder, 'etc')), 'something was made before the answer')
  const { plain } = await type(init, [
    { prompt: 'A password that locks', type: PASSWORD },
    { prompt: 'The same password again', type: PASSWORD },
  ])
  assert.match(plain, /Repository main \([0-9a-f]{32}\) created at/)
})

test('check, backup, points, verify and drill ask nothing', { timeout: 300_000 }, async () => {
  assert.match((await type(['check'])).plain, /A backup can run\./)
  assert.match((await type(['backup', 'portal'])).plain, /Restore point [0-9a-f]{32} of portal: read back/)
  assert.match((await type(['points'])).plain, /portal\s+\S+ \S+ UTC\s+read back/)
  assert.match((await type(['verify', 'latest'])).plain, /every byte that was read is as it was written/)
  assert.match((await type(['drill', 'portal'])).plain, /restored, equal to what was captured, checks passed/)
})

test('a restore waits for the name, and anything else changes nothing', { timeout: 300_000 }, async () => {
  await lab.sql('delete from sessions')
  await rm(join(lab.files, 'master.key'))
  const wrong = await type(['restore', 'portal'], [{ prompt: 'Type portal to replace', type: 'portl' }], 13)
  // The codes are gone from plain text; what is redrawn must have been cleared before the plan is shown.
  assert.doesNotMatch(wrong.plain, /…Restore of portal from/)
  assert.match(wrong.plain, /"portl" is not "portal"\n {2}Nothing was changed\./)
  const { plain } = await type(['restore', 'portal'], [{ prompt: 'Type portal to replace', type: 'portal' }])
  assert.match(plain, /portal is restored from/)
  assert.match(plain, /holdfast undo portal brings it back/)
  assert.equal((await lab.sql('select count(*)::int as n from sessions'))[0]?.['n'], 2000)
  assert.equal(await readFile(join(lab.files, 'master.key'), 'utf8'), 'k'.repeat(32))
})

test('undo waits for the name of the app', { timeout: 200_000 }, async () => {
  const { plain } = await type(['undo', 'portal'], [{ prompt: 'Type portal to bring back', type: 'portal' }])
  assert.match(plain, /The data from before restore [0-9a-f]{8} of portal is live again/)
  assert.equal((await lab.sql('select count(*)::int as n from sessions'))[0]?.['n'], 0)
})

test('without an identity file the password is asked for, and a wrong one is told', { timeout: 200_000 }, async () => {
  await lab.edit((config) => delete config.identity)
  const tries = ['', 'try 2 of 3', 'try 3 of 3'].map((prompt) => ({
    prompt: prompt === '' ? 'Password of private key' : prompt,
    type: 'not the password',
  }))
  const wrong = await type(['verify', 'latest'], tries, 12)
  assert.match(wrong.plain, /password of identity recovery is wrong/)
  await type(['verify', 'latest'], [{ prompt: 'Password of private key', type: PASSWORD }])
})
