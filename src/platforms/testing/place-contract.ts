import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isFailure, type FailureKind } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { systemClock } from '../../system/clock.ts'
import { directEffects } from '../../system/effects.ts'
import { isGone, type Place, type RunningProgram } from '../place.ts'
import { hashOf, heldBytes, numbers, settled, textOf, until, write } from './program-bytes.ts'

/** One place with `sh` and the ordinary programs in it (coreutils or busybox), for one test file. */
export interface PlaceSubject {
  readonly place: Place
  /** A variable of its environment. Best with a line break, quotes and an equals sign in it. */
  readonly variable: { readonly name: string; readonly value: string }
  /** How many processes run inside. When absent, `/proc` is listed inside, where nobody else may start any. */
  readonly processes?: () => Promise<number>
  /** A place of its own that goes away when `remove` is called. */
  readonly removable: () => Promise<{ readonly place: Place; readonly remove: () => Promise<void> }>
  readonly close?: () => Promise<void>
}

const MEBIBYTE = 1024 * 1024
const LENGTH = 50 * MEBIBYTE
/** The most that a side which does not read may make us, the connection and the far side keep. */
const HELD = 32 * MEBIBYTE
const ODD = [
  '',
  ' ',
  "it's",
  '"$HOME"',
  '`id`',
  'two\nlines',
  '\\n',
  '*',
  '-n',
  'é–🔑',
  '\t',
  '%s',
  'a=b;c|d&',
  '\u0001',
]

type Given = () => PlaceSubject

/** Registers tests for all that `Place` and `RunningProgram` promise. Each platform with `inside` runs them on the real thing. */
export function placeContract(name: string, makePlace: () => Promise<PlaceSubject>): void {
  describe(`${name} keeps the contract of places`, { timeout: 240_000 }, () => {
    let subject: PlaceSubject
    before(async () => (subject = await makePlace()))
    after(() => subject.close?.())
    programs(() => subject)
    longStreams(() => subject)
    backPressure(() => subject)
    endings(() => subject)
    gone(() => subject)
    variables(() => subject)
  })
}

/** The context of a test; nobody cancels unless a signal is given. */
export function placeContext(signal = new AbortController().signal): Context {
  return { clock: systemClock, effects: directEffects, signal, progress: () => {} }
}

const context = placeContext()
const failsWith = (kind: FailureKind) => (error: unknown) => isFailure(error, kind)

function programs(given: Given): void {
  test('a place has a name and an image', () => {
    assert.notEqual(given().place.name, '')
    assert.notEqual(given().place.image, '')
  })

  test('arguments arrive as they were given', async () => {
    const each = 'for each; do printf "%s\\000" "$each"; done'
    const program = await given().place.start(['sh', '-c', each, 'sh', ...ODD], context)
    assert.deepEqual((await textOf(program.stdout)).split('\0').slice(0, -1), ODD)
    assert.equal(await program.ended, 0)
  })

  test('the exit code is that of the program', async () => {
    for (const code of [0, 1, 3, 127, 255]) {
      const program = await given().place.start(['sh', '-c', `exit ${code}`], context)
      assert.equal(await textOf(program.stdout), '')
      assert.equal(await program.ended, code)
    }
  })

  test('a program that is not there is not found', async () => {
    const names = ['holdfast-no-such-program', '/no/such/program']
    for (const name of names) await assert.rejects(given().place.start([name], context), failsWith('notFound'))
  })

  test('all of standard output was given when the exit code is known', async () => {
    const program = await given().place.start(['sh', '-c', 'seq 1 100000; exit 7'], context)
    let length = 0
    program.stdout.on('data', (chunk: Buffer) => (length += chunk.length))
    assert.equal(await program.ended, 7)
    assert.equal(length, 588_895)
  })

  test('the last 4 KiB of standard error are kept, apart from standard output', async () => {
    const program = await given().place.start(['sh', '-c', 'seq 1 20000 >&2; echo out; echo last >&2; exit 3'], context)
    assert.equal(await textOf(program.stdout), 'out\n')
    assert.equal(await program.ended, 3)
    assert.match(program.stderr(), /\n19999\n20000\nlast\n$/)
    const { length } = program.stderr()
    assert.ok(length > 3000 && length <= 4096, `${length} characters`)
  })

  test('programs run side by side', async () => {
    const all = [1, 2, 3, 4, 5, 6].map(async (each) => {
      const program = await given().place.start(['sh', '-c', 'cat; echo "$1"', 'sh', String(each)], context)
      program.stdin.end(`in ${each}\n`)
      return textOf(program.stdout)
    })
    assert.deepEqual(
      await Promise.all(all),
      [1, 2, 3, 4, 5, 6].map((each) => `in ${each}\n${each}\n`),
    )
  })
}

function longStreams(given: Given): void {
  test('50 MiB of standard output come as they were', async () => {
    const program = await given().place.start(['sh', '-c', `seq 1 9000000 | head -c ${LENGTH}`], context)
    const found = await hashOf(program.stdout)
    assert.deepEqual(found, await hashOf(numbers(LENGTH)))
    assert.equal(await program.ended, 0)
  })

  test('50 MiB of standard input arrive as they were, and output comes after the end of input', async () => {
    const program = await given().place.start(['sh', '-c', 'sha256sum; echo after'], context)
    const output = textOf(program.stdout)
    await write(program.stdin, numbers(LENGTH))
    program.stdin.end()
    const { hash } = await hashOf(numbers(LENGTH))
    assert.match(await output, new RegExp(`^${hash} +-\nafter\n$`))
    assert.equal(await program.ended, 0)
  })

  test('bytes go both ways at once', async () => {
    const program = await given().place.start(['cat'], context)
    const found = hashOf(program.stdout)
    await write(program.stdin, numbers(LENGTH))
    program.stdin.end()
    assert.deepEqual(await found, await hashOf(numbers(LENGTH)))
    assert.equal(await program.ended, 0)
  })

  test('every byte value comes through both ways', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7 + (index >> 8)) % 256))
    const program = await given().place.start(['cat'], context)
    program.stdin.end(bytes)
    assert.deepEqual(await hashOf(program.stdout), await hashOf([bytes]))
  })
}

function backPressure(given: Given): void {
  test('a reader that waits holds the program back', async () => {
    const before = await count(given())
    // The far side may swallow what nobody reads any more; so this program is told by the end of its input.
    const endless = 'seq 1 100000000 & cat >/dev/null; kill $!'
    const program = await given().place.start(['sh', '-c', endless], context)
    const held = heldBytes()
    program.stdout.once('readable', () => {})
    await systemClock.sleep(2000, context.signal)
    assert.ok(heldBytes() - held < HELD, `${heldBytes() - held} bytes are held`)
    program.stop()
    await assertCount(given(), before)
  })

  test('a program that does not read holds the writer back', async () => {
    const program = await given().place.start(['sh', '-c', 'sleep 2; cat >/dev/null'], context)
    program.stdout.resume()
    let taken = 0
    const writing = write(program.stdin, numbers(2 * HELD), (length) => (taken += length))
    await systemClock.sleep(1000, context.signal)
    assert.ok(taken < HELD, `${taken} bytes were taken by who does not read`)
    await writing
    program.stdin.end()
    assert.equal(await program.ended, 0)
  })
}

function endings(given: Given): void {
  test('stop ends a program that reads its input, and nothing is left', async () => {
    const before = await count(given())
    const program = await given().place.start(['cat'], context)
    await echoed(program)
    program.stop()
    await settled(program.ended)
    await assertCount(given(), before)
    program.stop()
  })

  test('the signal ends the program and is the reason of all that follows', async () => {
    const before = await count(given())
    const controller = new AbortController()
    const program = await given().place.start(['cat'], placeContext(controller.signal))
    await echoed(program)
    const reading = textOf(program.stdout)
    controller.abort(new Error('stopped by a test'))
    await assert.rejects(program.ended, failsWith('cancelled'))
    await assert.rejects(reading, 'a cut stream must not end like a whole one')
    await assertCount(given(), before)
  })

  test('nothing starts when the signal has fired', async () => {
    const signal = AbortSignal.abort(new Error('stopped by a test'))
    const before = await count(given())
    await assert.rejects(given().place.start(['cat'], placeContext(signal)), failsWith('cancelled'))
    await assertCount(given(), before)
  })

  test('a cancellation that nobody waits for ends nothing else', async () => {
    const controller = new AbortController()
    await given().place.start(['cat'], placeContext(controller.signal))
    controller.abort(new Error('stopped by a test'))
    await systemClock.sleep(200, context.signal)
  })

  test('a program that was killed does not end well', async () => {
    const program = await given().place.start(['sh', '-c', 'echo $$; exec cat'], context)
    const pid = (await firstChunk(program)).trim()
    const killer = await given().place.start(['sh', '-c', 'kill -9 "$1"', 'sh', pid], context)
    assert.equal(await killer.ended, 0)
    program.stdout.resume()
    const ending = await settled(program.ended)
    assert.notEqual(ending, 0)
  })

  test('input for a program that has ended ends nothing else', async () => {
    const program = await given().place.start(['sh', '-c', 'exit 4'], context)
    program.stdout.resume()
    assert.equal(await program.ended, 4)
    program.stdin.write('too late')
    program.stdin.end()
    await systemClock.sleep(200, context.signal)
  })
}

function gone(given: Given): void {
  test('in a place that is gone no program ends well, and none starts', { timeout: 120_000 }, async () => {
    const { place, remove } = await given().removable()
    const program = await place.start(['sh', '-c', 'echo here; exec cat'], context)
    assert.equal(await firstChunk(program), 'here\n')
    const reading = textOf(program.stdout).then(
      () => 'a whole stream',
      () => 'an error',
    )
    await remove()
    const ending = await settled(program.ended)
    assert.notEqual(ending, 0)
    if (isFailure(ending, 'unreachable')) assert.equal(await reading, 'an error')
    const named = (error: unknown): boolean =>
      isFailure(error, 'unreachable') && error.message.includes(place.name) && isGone(error)
    await assert.rejects(place.start(['cat'], context), named)
    await assert.rejects(place.addresses(5432, context), named)
    await assert.rejects(place.variable('PATH', context), named)
    if (place.forward !== undefined) await assert.rejects(place.forward(5432, context), named)
  })
}

function variables(given: Given): void {
  test('a variable is as the programs inside see it', async () => {
    const { place, variable } = given()
    assert.equal(await place.variable(variable.name, context), variable.value)
    assert.equal(await place.variable('HOLDFAST_NO_SUCH_VARIABLE', context), undefined)
    const program = await place.start(['sh', '-c', `printf %s "$${variable.name}"`], context)
    assert.equal(await textOf(program.stdout), variable.value)
  })
}

async function echoed(program: RunningProgram): Promise<void> {
  program.stdin.write('x')
  assert.equal(await firstChunk(program), 'x')
}

function firstChunk({ stdout, ended }: RunningProgram): Promise<string> {
  const chunk = new Promise<string>((resolve, reject) => {
    stdout.once('data', (bytes: Buffer) => {
      stdout.pause()
      resolve(bytes.toString('utf8'))
    })
    ended.catch(reject)
  })
  return chunk
}

const COUNT = 'found=0; for each in /proc/[0-9]*; do found=$((found + 1)); done; echo $found'

async function count({ place, processes }: PlaceSubject): Promise<number> {
  if (processes !== undefined) return processes()
  const program = await place.start(['sh', '-c', COUNT], context)
  return Number(await textOf(program.stdout))
}

/** Whoever was told to end may take a moment. */
async function assertCount(subject: PlaceSubject, expected: number): Promise<void> {
  await until(async () => (await count(subject)) <= expected, 10_000)
  assert.ok((await count(subject)) <= expected, `processes were left in ${subject.place.name}`)
}
