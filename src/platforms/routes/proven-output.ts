import { createHash } from 'node:crypto'
import { Failure, type FailureKind } from '../../core/failure.ts'
import type { Bytes, Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import type { Place, RunningProgram } from '../place.ts'
import { PosixChecksum } from './posix-checksum.ts'

/**
 * Arguments: the command line. A first line of input becomes PGPASSWORD, unless it is empty; the rest goes to the program. The
 * exit code, and checksum and count of all that it gave, come as the last lines of standard error.
 */
const PROVING = `IFS= read -r PGPASSWORD
if [ -n "$PGPASSWORD" ]; then export PGPASSWORD; else unset PGPASSWORD; fi
exec 3>&1
{ { "$@"; echo "holdfast-code $?" >&2; } | tee /dev/fd/6 >&3; } 6>&1 | {
  exec 3>&-
  if command -v cksum >/dev/null; then cksum | { read -r sum count rest; echo "holdfast-sum $sum $count" >&2; }
  else sha256sum | { read -r sum rest; echo "holdfast-sha256 $sum" >&2; }; fi
}`

/**
 * What a program in the place writes to its standard output, for where no relay can run. It ends only when the program exited
 * with 0 and as many bytes came, with the same checksum, as it gave there: some platforms cut streams and say nothing. The
 * password is for libpq, and goes by standard input. Needs `sh`, `tee` and `cksum` or `sha256sum` inside. Fails with `notFound` when the
 * program is not there, `toolFailed` when it fails, and `unreachable` when bytes were lost or changed. A program whose reader
 * left early ends when it writes again; where the platform swallows what it writes, at its own end.
 */
export async function* provenOutput(
  place: Place,
  argv: readonly [string, ...string[]],
  password: Secret | undefined,
  context: Context,
): Bytes {
  const program = await place.start(['sh', '-c', PROVING, 'holdfast', ...argv], context)
  try {
    program.stdin.end(`${lineOf(password)}\n`)
    const checksum = new PosixChecksum()
    const hash = createHash('sha256')
    for await (const chunk of program.stdout) {
      // A stream without an encoding gives bytes.
      const bytes = chunk as Uint8Array
      checksum.update(bytes)
      hash.update(bytes)
      yield bytes
    }
    await program.ended
    requireProof(`${argv[0]} in ${place.name}`, program, checksum, hash.digest('hex'))
  } finally {
    program.stop()
  }
}

function lineOf(password: Secret | undefined): string {
  const text = password?.reveal() ?? ''
  if (!text.includes('\n')) return text
  throw new Failure('usage', 'a password with a line break cannot be given to a program in a container')
}

function requireProof(name: string, program: RunningProgram, checksum: PosixChecksum, sha256: string): void {
  const stderr = program.stderr()
  const code = lastNumbers(stderr, /^holdfast-code (\d+)$/gm)?.[0]
  const told = lastNumbers(stderr, /^holdfast-sum (\d+) (\d+)$/gm)
  const told256 = /^holdfast-sha256 ([0-9a-f]{64})$/m.exec(stderr)?.[1]
  const said = stderr.replaceAll(/^holdfast-(code|sum|sha256) .*$\n?/gm, '').trim()
  if (code === undefined || (told === undefined && told256 === undefined))
    throw failed('unreachable', `${name} did not tell how it ended`, said)
  if (code !== 0) throw failed(code === 127 ? 'notFound' : 'toolFailed', `${name} failed: exit code ${code}`, said)
  if (told === undefined && told256 === sha256) return
  const [sum, count] = told ?? []
  if (told !== undefined && count !== checksum.length)
    throw failed('unreachable', `${name} gave ${count} bytes, of which ${checksum.length} came`, said)
  if (sum !== checksum.value()) throw failed('unreachable', `what ${name} gave was changed on its way`, said)
}

function failed(kind: FailureKind, message: string, said: string): Failure {
  const text = said === '' ? message : `${message}\n${said}`
  if (kind !== 'unreachable') return new Failure(kind, text)
  return new Failure(kind, text, {
    hint: 'Run it again. If it stays so, publish the port of the container, which needs no such transfer.',
  })
}

function lastNumbers(text: string, pattern: RegExp): readonly number[] | undefined {
  return [...text.matchAll(pattern)].at(-1)?.slice(1).map(Number)
}
