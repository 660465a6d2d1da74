import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { InsideShell } from './shell.ts'

/** One line for each path: what is there, and its device and number where the programs inside can say them. */
const LOOK = `for path; do
  kind=nothing
  if [ -L "$path" ]; then kind=link; elif [ -d "$path" ]; then kind=folder; elif [ -e "$path" ]; then kind=other; fi
  set -- $(stat -c '%d %i' "$path" 2>/dev/null)
  [ $# -eq 2 ] || set -- - $(ls -di "$path" 2>/dev/null | { read -r number rest; echo "$number"; })
  [ $# -eq 2 ] || set -- - -
  echo "$kind $1 $2"
done`

/** Says which tar there is, and as whom programs run. */
const TOOLS = `tar=none
if command -v tar >/dev/null 2>&1; then
  case "$(tar --version 2>&1)" in
    *"GNU tar"*) tar=gnu ;;
    *[Bb]usy[Bb]ox*) tar=busybox ;;
    *) tar=other ;;
  esac
fi
echo "$tar $(id -u 2>/dev/null)"`

const LONGEST = 65_536
const number = z
  .string()
  .regex(/^(?:\d+|-)$/)
  .transform((text) => (text === '-' ? undefined : BigInt(text)))
const seenShape = z.tuple([z.enum(['nothing', 'link', 'folder', 'other']), number, number])
const toolsShape = z.tuple([z.enum(['none', 'gnu', 'busybox', 'other'])], z.string())

export interface Seen {
  readonly kind: 'nothing' | 'link' | 'folder' | 'other'
  readonly device: bigint | undefined
  readonly inode: bigint | undefined
}
export type InsideTar = 'none' | 'gnu' | 'busybox' | 'other'

/** What is at these paths inside. Follows no link at their end. */
export async function lookAt(shell: InsideShell, paths: readonly string[], context: Context): Promise<readonly Seen[]> {
  const lines = await linesOf(shell, LOOK, paths, context)
  return paths.map((_path, index) => {
    const [kind, device, inode] = parsed(seenShape, lines[index], shell)
    return { kind, device, inode }
  })
}

export async function tarOf(shell: InsideShell, context: Context): Promise<InsideTar> {
  const [line] = await linesOf(shell, TOOLS, [], context)
  return parsed(toolsShape, line, shell)[0]
}

async function linesOf(
  shell: InsideShell,
  text: string,
  parameters: readonly string[],
  context: Context,
): Promise<readonly string[]> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of shell.run(text, parameters, context)) {
    chunks.push(Uint8Array.from(chunk))
    length += chunk.length
    if (length > LONGEST) throw odd(shell)
  }
  return Buffer.concat(chunks).toString('utf8').split('\n')
}

function parsed<Shape extends z.ZodType>(shape: Shape, line: string | undefined, shell: InsideShell): z.infer<Shape> {
  const result = shape.safeParse(line?.trim().split(' '))
  if (result.success) return result.data
  throw odd(shell)
}

function odd({ name }: InsideShell): Failure {
  return new Failure('unsupported', `the programs in ${name} answer in another way than those of POSIX`, {
    hint: 'Mount the volume on this host and give its path there, without reach.',
  })
}
