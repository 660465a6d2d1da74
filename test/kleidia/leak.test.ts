import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { inFolder, sampleFile, sampleJson, type SampleOptions } from '../../src/interop/kleidia-v1/testing/sample.ts'
import { holdfast, start } from '../e2e/holdfast.ts'

const password = 'CANARY-password-5d1c'
const wrong = 'CANARY-wrong-77aa'
const value = 'CANARY-value-90ee'
const key = 'CANARY-key-13b7'
const canary = /CANARY/

const good = `{"jwt-secret":{"secret":"${value}","${key}":1}}`
const files: Readonly<Record<string, SampleOptions>> = {
  'good.enc': { json: sampleJson(good) },
  'other-password.enc': { json: sampleJson(good), password: 'something else' },
  'not-json.enc': { json: sampleJson(good).slice(0, -30) + value },
  'key-twice.enc': { json: sampleJson(`{"a":{"${key}":"${value}","${key}":1}}`) },
  'no-object.enc': { json: sampleJson(`{"a":"${value}"}`) },
  'text.enc': { payload: Buffer.from(value) },
  'not-sql.enc': { json: sampleJson(good).replace('"database_sql":"', `"database_sql":"${value}\\ud800`) },
  'deep.enc': { json: sampleJson(`{"a":{"k":${'['.repeat(100)}"${value}"`) },
}

/** Everything that a command says or leaves outside of the folder it was told to fill. */
async function said(folder: string, given: string, ...options: readonly string[]): Promise<string> {
  const temporary = join(folder, 'tmp')
  const environment = { HOLDFAST_KLEIDIA_PASSWORD: given, TMPDIR: temporary }
  const ran = await holdfast(folder, ['import', 'kleidia-v1', join(folder, 'in'), ...options], environment)
  assert.deepEqual(await readdir(temporary), [], 'temporary files were left')
  assert.ok([0, 3].includes(ran.code), `${ran.code} ${ran.error}`)
  return `${ran.out}\n${ran.error}`
}

test('no password and no value of a secret is in anything that is said', { timeout: 300_000 }, async () => {
  await inFolder(async (folder) => {
    await mkdir(join(folder, 'in'))
    await mkdir(join(folder, 'tmp'))
    for (const [name, options] of Object.entries(files))
      await writeFile(join(folder, 'in', name), sampleFile({ password, ...options }))
    for (const form of [[], ['--json']]) {
      for (const [given, act] of [
        [password, ['--verify']],
        [password, ['--unpack', join(folder, form.length === 0 ? 'text' : 'json')]],
        [wrong, ['--verify']],
        [password, []],
      ] as const)
        assert.doesNotMatch(await said(folder, given, ...act, ...form), canary)
    }
    // What was asked for is there, and nothing of those that failed.
    assert.deepEqual(await readdir(join(folder, 'text')), ['good.enc'])
    assert.match(await readFile(join(folder, 'text', 'good.enc', 'secrets.jsonl'), 'utf8'), canary)
  })
})

test('the names of files that are open have nothing of it either, and the password is no argument', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'good.enc')
    await writeFile(path, sampleFile({ password, json: sampleJson(good) }))
    const environment = { HOLDFAST_KLEIDIA_PASSWORD: password, TMPDIR: folder }
    const child = start(folder, ['import', 'kleidia-v1', path, '--unpack', join(folder, 'to')], environment)
    const seen = new Set<string>()
    const ended = child.ended.then(() => true)
    while (!(await Promise.race([ended, look(folder, child.pid, seen)]))) continue
    assert.ok(
      [...seen].some((name) => name.startsWith('.unpack-')),
      [...seen].join(),
    )
    assert.doesNotMatch([...seen].join('\n'), canary)
  })
})

async function look(folder: string, pid: number, seen: Set<string>): Promise<boolean> {
  for (const name of await readdir(join(folder, 'to'), { recursive: true }).catch(() => [])) seen.add(name)
  seen.add(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
  return false
}
