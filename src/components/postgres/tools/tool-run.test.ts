import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { systemClock } from '../../../system/clock.ts'
import { directEffects } from '../../../system/effects.ts'
import { withTemporaryFolder } from '../../../system/files/temporary-folder.ts'
import { passfileLine, runTool, streamTool } from './tool-run.ts'
import type { ToolCall } from './tool-run.ts'
import { optionsText } from './tool-settings.ts'

const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => {},
}

/** Runs `script` where pg_dump would run. */
async function withTool(script: string, act: (call: ToolCall) => Promise<void>, major = 16): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const pgDump = join(folder, 'pg_dump')
    await writeFile(pgDump, `#!/bin/sh\n${script}\n`)
    await chmod(pgDump, 0o755)
    const server = {
      host: 'db.example',
      port: 5433,
      user: 'reader',
      password: new Secret('p:a\\ss'),
      tls: 'disable',
      tlsCa: undefined,
      through: undefined,
    } as const
    const tools = {
      folder,
      major,
      version: major * 10_000,
      versionText: '',
      pgDump,
      pgRestore: pgDump,
      belowFloor: false,
    }
    await act({
      tools,
      program: 'pg_dump',
      args: ['--one'],
      server,
      database: "it's host=evil",
      limits: { idleLimit: 5_000, totalLimit: 5_000 },
      settings: {},
    })
  })
}

test('escapes what separates fields of a password file', () => {
  assert.equal(passfileLine('a:b\\c'), '*:*:*:*:a\\:b\\\\c\n')
  assert.throws(
    () => passfileLine('a\nb'),
    (error) => error instanceof Failure && error.kind === 'usage' && !error.message.includes('a\nb'),
  )
})

test('the program gets where to connect, a private password file, and nothing of ours', async () => {
  process.env['PGSERVICE'] = 'ours'
  await withTool(
    'env; stat -L -c %a,%h "$PGPASSFILE"; stat -c %a "$(dirname "$PGSSLCERT")"; cat "$PGPASSFILE"; echo "$@"',
    async (call) => {
      const { stdout } = await runTool(call, context)
      for (const line of [
        'PGHOST=db.example',
        'PGPORT=5433',
        'PGUSER=reader',
        'PGAPPNAME=holdfast',
        'PGSSLMODE=disable',
        // Without a name in any folder, so that it cannot outlive this process.
        '600,0',
        '700',
        '*:*:*:*:p\\:a\\\\ss',
      ]) {
        assert.ok(stdout.split('\n').includes(line), `${line} in\n${stdout}`)
      }
      assert.ok(!stdout.includes('PGSERVICE') && !stdout.includes('HOME='), stdout)
      assert.match(stdout, /--one --no-password --dbname=dbname='it\\'s host=evil'/)
    },
  )
  delete process.env['PGSERVICE']
})

test('the password file is gone afterwards: after success, failure, and a reader that left', async () => {
  await withTool('echo "$PGPASSFILE" >>"$1"; echo x; exec sh -c "$2"', async (call) => {
    const log = join(call.tools.folder, 'used')
    const calling = (script: string): ToolCall => ({ ...call, args: [log, script] })
    await runTool(calling('exit 0'), context)
    await assert.rejects(runTool(calling('exit 1'), context), /pg_dump failed: exit code 1/)
    for await (const _chunk of streamTool(calling('sleep 60'), context)) break
    const used = (await readFile(log, 'utf8')).trim().split('\n')
    assert.equal(used.length, 3)
    for (const file of used) assert.ok(!(await readFile(file, 'utf8').catch(() => '')).includes('a\\\\ss'), file)
  })
})

test('verifying the server without a CA uses the system where the tools can, and says so where they cannot', async () => {
  const verifying = (call: ToolCall): ToolCall => ({ ...call, server: { ...call.server, tls: 'verify-full' } })
  await withTool('echo "$PGSSLROOTCERT"', async (call) =>
    assert.equal((await runTool(verifying(call), context)).stdout, 'system\n'),
  )
  await withTool('exit 0', async (call) => assert.rejects(runTool(verifying(call), context), /needs tlsCa/), 15)
})

test('settings of sessions are written as the server reads them', () => {
  assert.equal(
    optionsText({ synchronous_commit: 'off', work_mem: '64kB' }),
    '-c synchronous_commit=off -c work_mem=64kB',
  )
  assert.equal(optionsText({ datestyle: 'ISO, MDY', x: 'a\\b' }), '-c datestyle=ISO,\\ MDY -c x=a\\\\b')
})
