import { spawn } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

export interface Step {
  /** What the program shows when it waits. */
  readonly prompt: string
  readonly type?: string
  /** The terminal is closed, as when a connection breaks. */
  readonly hangUp?: true
}

const typed = z.object({ code: z.number(), screen: z.string(), untyped: z.number() })
export type Typed = z.infer<typeof typed> & {
  /** What was shown, without the codes that move the cursor and colour. */
  readonly plain: string
}

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'holdfast')
const compiled = join(process.env['HOLDFAST_PARTS_CACHE'] ?? join(homedir(), '.cache', 'holdfast-parts'), 'compiled')

/** Runs the command line in a terminal, with somebody who types. */
export async function atTerminal(
  folder: string,
  args: readonly string[],
  steps: readonly Step[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Typed> {
  const child = spawn('python3', [join(import.meta.dirname, 'terminal.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const request = {
    args: [launcher, ...args],
    folder,
    steps,
    limit: 90,
    environment: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      TERM: 'xterm-256color',
      COLUMNS: '120',
      NODE_COMPILE_CACHE: compiled,
      ...environment,
    },
  }
  child.stdin.end(JSON.stringify(request))
  const found = typed.parse(JSON.parse(await text(child.stdout)))
  return { ...found, plain: plainOf(found.screen) }
}

function plainOf(screen: string): string {
  // eslint-disable-next-line no-control-regex -- these are the codes
  return screen.replaceAll(/\u001B\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r\n', '\n')
}
