import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { textOf, type RawPath } from '../tree/names.ts'
import type { InsideTar } from './look.ts'
import type { InsideShell } from './shell.ts'

/**
 * $1 is the folder, $2 says which tar, $3 whether it stays on one file system; what follows are names in it, as `printf %b`
 * reads them, or nothing for all. After the archive come the last words of tar, its exit code, and how many bytes these are.
 */
const ARCHIVE = `path=$1 kind=$2 stay=$3
shift 3
count=$#
while [ "$count" -gt 0 ]; do
  name=$(printf '%b.' "$1")
  shift
  set -- "$@" "./\${name%.}"
  count=$((count - 1))
done
[ $# -gt 0 ] || set -- .
if [ "$stay" = stay ]; then set -- --one-file-system -- "$@"; else set -- -- "$@"; fi
if [ "$kind" = gnu ]; then set -- --format=posix --pax-option=delete=atime,delete=ctime "$@"; fi
exec 3>&1
said=$({ tar -C "$path" -cf - "$@" 2>&1 >&3 3>&-; echo "
holdfast-code $?"; } | tail -c 50000)
printf '%s%012d' "$said" "\${#said}"`

const LENGTH_DIGITS = 12
const LONGEST_END = 65_536

/** How tar ended. */
export interface TarEnd {
  readonly code: number
  readonly said: readonly string[]
}

export interface TarRequest {
  readonly shell: InsideShell
  readonly path: string
  readonly tar: Exclude<InsideTar, 'none'>
  readonly crossFilesystems: boolean
}

/** The archive of a folder inside, or of some names in it. `ended` is told how tar ended, after the last byte. */
export async function* tarOutput(
  { shell, path, tar, crossFilesystems }: TarRequest,
  names: readonly RawPath[],
  ended: (end: TarEnd) => void,
  context: Context,
): Bytes {
  // The tar of busybox has no such option.
  const stay = tar === 'gnu' && !crossFilesystems ? 'stay' : 'cross'
  const parameters = [path, tar, stay, ...names.map(forPrintf)]
  let rest = Buffer.alloc(0)
  for await (const chunk of shell.run(ARCHIVE, parameters, context)) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    const whole = rest.length - LONGEST_END
    if (whole <= 0) continue
    yield rest.subarray(0, whole)
    rest = Buffer.from(rest.subarray(whole))
  }
  const length = Number(rest.subarray(-LENGTH_DIGITS).toString('latin1')) + LENGTH_DIGITS
  if (!(length >= LENGTH_DIGITS && length <= rest.length)) throw noEnd(shell)
  yield rest.subarray(0, rest.length - length)
  ended(endOf(rest.subarray(rest.length - length, -LENGTH_DIGITS).toString('latin1'), shell))
}

function endOf(text: RawPath, shell: InsideShell): TarEnd {
  const match = /^([^]*)\nholdfast-code (\d+)$/.exec(text)
  if (match === null) throw noEnd(shell)
  const said = (match[1] ?? '').split('\n').map(textOf)
  return { code: Number(match[2]), said: said.filter((line) => line.trim() !== '') }
}

function noEnd({ name }: InsideShell): Failure {
  return new Failure('unreachable', `tar in ${name} did not tell how it ended`, { hint: 'Run it again.' })
}

/** Names hold any bytes, and a command line may only hold text. */
function forPrintf(name: RawPath): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`)
}
