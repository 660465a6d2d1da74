import assert from 'node:assert/strict'
import { Transform } from 'node:stream'
import { test } from 'node:test'
import { isFailure, type FailureKind } from '../../core/failure.ts'
import { Secret } from '../../core/secret.ts'
import { LocalPlace } from '../testing/local-place.ts'
import { placeContext } from '../testing/place-contract.ts'
import { hashOf, numbers, until } from '../testing/program-bytes.ts'
import type { Place } from '../place.ts'
import { PosixChecksum } from './posix-checksum.ts'
import { provenOutput } from './proven-output.ts'

const context = placeContext()
const LENGTH = 6_888_896
const SEQ = ['seq', '1', '1000000'] as const

const failsWith = (kind: FailureKind, message: RegExp) => (error: unknown) =>
  isFailure(error, kind) && message.test(error.message)

async function given(place: Place, argv: readonly [string, ...string[]], password?: Secret): Promise<unknown> {
  return hashOf(provenOutput(place, argv, password, context))
}

/** A place whose standard output is changed on its way, as a platform may do that says nothing. */
function changing(change: (chunk: Buffer, at: number) => Buffer | undefined): Place {
  const place = new LocalPlace()
  const start: Place['start'] = async (argv, given) => {
    const program = await place.start(argv, given)
    let at = 0
    const changed = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const found = change(chunk, at)
        at += chunk.length
        done(null, found)
      },
    })
    return { ...program, stdout: program.stdout.pipe(changed) }
  }
  return {
    name: place.name,
    image: place.image,
    addresses: (port, context) => place.addresses(port, context),
    variable: (name, context) => place.variable(name, context),
    start,
  }
}

test('the checksum is that of cksum', () => {
  // As cksum of coreutils prints them.
  const known: readonly (readonly [string, number])[] = [
    ['', 4294967295],
    ['123456789', 930766865],
  ]
  for (const [text, expected] of known) {
    const checksum = new PosixChecksum()
    checksum.update(Buffer.from(text))
    assert.equal(checksum.value(), expected)
  }
})

test('output that is whole comes as it was, and nothing is left', async () => {
  const place = new LocalPlace()
  assert.deepEqual(await given(place, SEQ), await hashOf(numbers(LENGTH)))
  assert.deepEqual(await given(place, ['true']), await hashOf([]))
  await until(async () => (await place.processes()).length === 0, 5000)
  assert.deepEqual(await place.processes(), [])
})

test('the password is in the environment of the program and on no command line', async () => {
  const script = `printf '%s|' "$PGPASSWORD"; tr '\\0' ' ' </proc/$PPID/cmdline | grep -c '[p] w'; true`
  let text = ''
  for await (const chunk of provenOutput(new LocalPlace(), ['sh', '-c', script], new Secret(' p w\\'), context))
    text += Buffer.from(chunk).toString()
  assert.equal(text, ' p w\\|0\n')
})

test('bytes that were lost or changed on their way are an error', async () => {
  const cut = changing((chunk, at) => (at + chunk.length > LENGTH - 10 ? chunk.subarray(0, -1) : chunk))
  await assert.rejects(given(cut, SEQ), failsWith('unreachable', /gave 6888896 bytes, of which 6888895 came/))
  const none = changing(() => undefined)
  await assert.rejects(given(none, SEQ), failsWith('unreachable', /of which 0 came/))
  const flipped = changing((chunk, at) => (at === 0 ? Buffer.concat([Buffer.from('7'), chunk.subarray(1)]) : chunk))
  await assert.rejects(given(flipped, SEQ), failsWith('unreachable', /was changed on its way/))
})

test('a program that fails, or is not there, is an error with what it said', async () => {
  const place = new LocalPlace()
  const failing = ['sh', '-c', 'echo half; echo "no such table" >&2; exit 3'] as const
  await assert.rejects(given(place, failing), failsWith('toolFailed', /^sh in .* failed: exit code 3\nno such table$/))
  await assert.rejects(given(place, ['no-such-program']), failsWith('notFound', /no-such-program/))
})

test('a shell that was killed is an error', async () => {
  const place = new LocalPlace()
  const killing = ['sh', '-c', 'echo half; kill -9 $PPID; sleep 1'] as const
  await assert.rejects(given(place, killing), failsWith('unreachable', /did not tell how it ended/))
})

test('whoever stops reading leaves nothing behind', async () => {
  const place = new LocalPlace()
  // A socket that was closed with bytes in it resets, and tee goes on without it: then it ends at the end of its input.
  for await (const _chunk of provenOutput(place, ['seq', '1', '2000000'], undefined, context)) break
  await until(async () => (await place.processes()).length === 0, 20_000)
  assert.deepEqual(await place.processes(), [])
})
