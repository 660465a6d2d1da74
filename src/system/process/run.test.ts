import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import { run, stream } from './run.ts'
import type { RunOptions } from './run.ts'

const MIB = 1024 * 1024

/** A child that runs this JavaScript. */
function node(script: string, over: Partial<RunOptions> = {}): RunOptions {
  return {
    file: process.execPath,
    args: ['-e', script],
    signal: new AbortController().signal,
    idleLimit: 20_000,
    totalLimit: 20_000,
    ...over,
  }
}

/** A child that runs this shell script; for programs only, never for data. */
function shell(script: string, over: Partial<RunOptions> = {}): RunOptions {
  return { ...node('', over), file: '/bin/sh', args: ['-c', script] }
}

function toolFailed(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof Failure && error.kind === 'toolFailed' && message.test(error.message)
}

async function* chunks(count: number, size: number, after?: () => void): Bytes {
  for (let n = 0; n < count; n++) yield new Uint8Array(size).fill(n)
  after?.()
}

async function lengthOf(bytes: Bytes): Promise<number> {
  let length = 0
  for await (const chunk of bytes) length += chunk.length
  return length
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function untilDead(pid: number): Promise<void> {
  for (let n = 0; n < 200 && isAlive(pid); n++) await sleep(25)
  assert.equal(isAlive(pid), false, `process ${pid} still runs`)
}

test('gives what the program printed, and nothing of our environment', async () => {
  process.env['HOLDFAST_LEAK'] = 'leaked'
  const { stdout, stderr } = await run(
    shell('echo "$HOLDFAST_LEAK$GIVEN"; echo noise >&2', { environment: { GIVEN: 'given' } }),
  )
  delete process.env['HOLDFAST_LEAK']
  assert.equal(stdout, 'given\n')
  assert.equal(stderr, 'noise\n')
})

test('an exit code is named with the last lines of the program', async () => {
  await assert.rejects(run(shell('echo reason >&2; exit 3')), toolFailed(/\/bin\/sh failed: exit code 3\nreason/))
})

test('a signal is named', async () => {
  await assert.rejects(run(shell('kill -9 $$')), toolFailed(/SIGKILL/))
})

test('a program that does not exist is named', async () => {
  await assert.rejects(run({ ...shell(''), file: '/nowhere/pg_dump' }), {
    kind: 'notFound',
    message: /\/nowhere\/pg_dump/,
  })
})

test('a stream throws at its end when the program failed after its bytes', async () => {
  let length = 0
  const reading = (async () => {
    for await (const chunk of stream(shell('printf 12345; exit 1'))) length += chunk.length
  })()
  await assert.rejects(reading, toolFailed(/exit code 1/))
  assert.equal(length, 5)
})

test('a silent program is ended at the idle limit', async () => {
  const started = performance.now()
  await assert.rejects(run(shell('exec sleep 60', { idleLimit: 200 })), toolFailed(/silent for 0\.2 s/))
  assert.ok(performance.now() - started < 5_000)
})

test('a program that goes on printing is ended at the total limit', async () => {
  await assert.rejects(
    run(shell('while :; do echo x; sleep 0.05; done', { idleLimit: 5_000, totalLimit: 500 })),
    toolFailed(/still running after 0\.5 s/),
  )
})

test('a program that ignores SIGTERM is killed', async () => {
  const stubborn = node("process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)", {
    idleLimit: 700,
  })
  await assert.rejects(run(stubborn), toolFailed(/silent/))
})

test('a limit longer than a timer can hold is no limit at all', async () => {
  const { stdout } = await run(shell('sleep 0.2; echo done', { idleLimit: Infinity, totalLimit: 2 ** 40 }))
  assert.equal(stdout, 'done\n')
})

test('a reader that is slow does not make the program look silent', async () => {
  let length = 0
  for await (const chunk of stream(shell(`exec head -c ${MIB} /dev/zero`, { idleLimit: 1_000 }))) {
    if (length === 0) await sleep(1_500)
    length += chunk.length
  }
  assert.equal(length, MIB)
})

test('cancelling ends the program and says so', async () => {
  const controller = new AbortController()
  const running = run(shell('exec sleep 60', { signal: controller.signal }))
  setTimeout(() => controller.abort(), 100)
  await assert.rejects(running, (error) => error instanceof Failure && error.kind === 'cancelled')
})

test('a signal that fired before starts nothing that lasts', async () => {
  await assert.rejects(
    run(shell('exec sleep 60', { signal: AbortSignal.abort() })),
    (error) => error instanceof Failure && error.kind === 'cancelled',
  )
})

test('output waits for a slow reader instead of filling memory', async () => {
  const before = process.memoryUsage().rss
  let length = 0
  let highest = 0
  for await (const chunk of stream(
    node(
      `const b = Buffer.alloc(${MIB}); let n = 0; (function more() { while (n++ < 200) if (!process.stdout.write(b)) return process.stdout.once('drain', more) })()`,
    ),
  )) {
    length += chunk.length
    if (length % (16 * MIB) < chunk.length) await sleep(5)
    highest = Math.max(highest, process.memoryUsage().rss)
  }
  assert.equal(length, 200 * MIB)
  assert.ok(highest - before < 120 * MIB, `${(highest - before) / MIB} MiB more`)
})

test('input streams through', async () => {
  assert.equal(await lengthOf(stream(shell('exec cat'), chunks(64, MIB))), 64 * MIB)
})

test('a program that does not read all of its input may still succeed', async () => {
  let closed = false
  const input = (async function* () {
    try {
      yield* chunks(64, MIB)
    } finally {
      closed = true
    }
  })()
  const { stdout } = await run(shell('head -c 5 >/dev/null; echo enough'), input)
  assert.equal(stdout, 'enough\n')
  assert.ok(closed, 'the input was left open')
})

test('a program that dies early is named, not the broken pipe', async () => {
  await assert.rejects(
    run(shell('head -c 5 >/dev/null; echo full >&2; exit 4'), chunks(64, MIB)),
    toolFailed(/exit code 4\nfull/),
  )
})

test('input that throws kills the program, and its own error comes out', async () => {
  const corrupt = new Failure('corrupt', 'chunk 3 is damaged')
  const input = chunks(3, MIB, () => {
    throw corrupt
  })
  const printed: string[] = []
  const reading = (async () => {
    // Would print if it saw an ordinary end of its input.
    for await (const chunk of stream(shell('cat >/dev/null; echo complete'), input))
      printed.push(Buffer.from(chunk).toString())
  })()
  await assert.rejects(reading, (error) => error === corrupt)
  assert.deepEqual(printed, [])
})

test('leaving the loop early kills the program', async () => {
  let pid = 0
  for await (const chunk of stream(shell('echo $$; exec sleep 60'))) {
    pid = Number(Buffer.from(chunk).toString())
    break
  }
  assert.ok(pid > 0)
  await untilDead(pid)
})

test('a stream that is never read starts nothing', async () => {
  const file = `/tmp/holdfast-run-test-${process.pid}`
  stream(shell(`echo started >${file}`))
  await sleep(200)
  await assert.rejects(run(shell(`cat ${file}`)), toolFailed(/exit code 1/))
})

test('a left-over child that keeps the output open does not hang us', async () => {
  const started = performance.now()
  await assert.rejects(run(shell('sleep 20 & echo gone', { idleLimit: 500 })), toolFailed(/silent/))
  assert.ok(performance.now() - started < 10_000)
})

test('leaving early does not wait for what the program left behind', async () => {
  const started = performance.now()
  for await (const _chunk of stream(shell('sleep 20 & echo gone; exec sleep 60'))) break
  assert.ok(performance.now() - started < 5_000)
})

test('the program dies with us when we are killed', async () => {
  const script = `import { stream } from ${JSON.stringify(import.meta.resolve('./run.ts'))}
    for await (const chunk of stream({ file: '/bin/sh', args: ['-c', 'echo $$; exec sleep 60'], signal: new AbortController().signal, idleLimit: 60000, totalLimit: 60000 })) console.log(Buffer.from(chunk).toString())`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  assert.ok(isAlive(pid))
  parent.kill('SIGKILL')
  await untilDead(pid)
})
