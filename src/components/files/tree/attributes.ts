import { existsSync } from 'node:fs'
import { describe } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { stream } from '../../../system/process/run.ts'
import { CappedList } from '../capture/capped-list.ts'
import { isInside, rawOfText, ROOT, shown, type RawPath } from './names.ts'
import type { Selection } from '../capture/selection.ts'

const PLACES = ['/usr/bin/getfattr', '/bin/getfattr', '/usr/local/bin/getfattr']
const IDLE_LIMIT = 600_000
const TOTAL_LIMIT = 86_400_000

/** Every file of a SELinux machine has this one, and the target machine's policy gives it again. */
const IGNORED = 'security.selinux'

/**
 * Says in one sentence which selected files have extended attributes (ACLs and file capabilities are such): they are not
 * captured. Undefined when there are none. Node cannot read them; without getfattr the sentence says that nobody looked.
 */
export async function findAttributes(
  root: string,
  selection: Selection,
  context: Context,
  tool = attributeTool(),
): Promise<string | undefined> {
  if (tool === undefined)
    return 'Extended attributes and ACLs are not captured, and whether there are any is unknown, as getfattr is not installed'
  const args = ['--recursive', '--physical', '--no-dereference', '--match=-', '--absolute-names', '--', root]
  const found = new CappedList(20)
  try {
    const output = stream({ file: tool, args, signal: context.signal, idleLimit: IDLE_LIMIT, totalLimit: TOTAL_LIMIT })
    for await (const path of pathsWithAttributes(output, rawOfText(root))) {
      if (selection.includes(path) && !selection.excludes(path)) found.add(shown(path))
    }
  } catch (error) {
    if (context.signal.aborted) throw error
    return `Extended attributes and ACLs are not captured, and whether there are any is unknown: ${describe(error)}`
  }
  return found.count === 0 ? undefined : `Extended attributes and ACLs are not captured: ${found.toString()}`
}

export function attributeTool(): string | undefined {
  return PLACES.find((path) => existsSync(path))
}

/** Reads blocks of `# file: <escaped path>` and one line for each attribute. */
export async function* pathsWithAttributes(output: Bytes, root: RawPath): AsyncGenerator<RawPath> {
  let current: RawPath | undefined
  for await (const line of linesOf(output)) {
    if (line.startsWith('# file: ')) {
      current = unescaped(line.slice('# file: '.length))
    } else if (line !== '' && line !== IGNORED && current !== undefined) {
      if (current === root) yield ROOT
      else if (isInside(current, root)) yield current.slice(root.length + 1)
      current = undefined
    }
  }
}

async function* linesOf(output: Bytes): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of output) {
    const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

function unescaped(path: string): RawPath {
  return path.replaceAll(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
