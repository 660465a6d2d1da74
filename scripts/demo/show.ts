import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { formatBytes, formatDuration, formatTable } from '../../src/cli/print/format.ts'

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'holdfast')

/** One row of the table at the end. */
export interface Step {
  readonly name: string
  readonly milliseconds: number
  readonly bytes?: number
  readonly truth?: string
  readonly note?: string
}

/** Tells the demo as it goes, and collects the table. */
export class Show {
  readonly steps: Step[] = []
  readonly #configPath: string
  readonly #signal: AbortSignal

  constructor(configPath: string, signal: AbortSignal) {
    this.#configPath = configPath
    this.#signal = signal
  }

  /** Runs `holdfast` as an operator would, shows what it prints, and gives the JSON document that it printed. */
  async holdfast(
    args: readonly string[],
    allowed: readonly number[] = [0],
  ): Promise<{ readonly document: Record<string, unknown>; readonly milliseconds: number }> {
    say(`\n$ holdfast ${args.join(' ')}`)
    const begun = performance.now()
    const { code, output } = await this.#run([...args, '--json', '--config', this.#configPath])
    if (!allowed.includes(code)) throw new Error(`holdfast ${args.join(' ')} ended with ${code}: ${output}`)
    // Every command prints one JSON object with --json; the callers name the documented fields.
    return { document: JSON.parse(output) as Record<string, unknown>, milliseconds: performance.now() - begun }
  }

  add(step: Step): void {
    this.steps.push(step)
    const facts = [
      formatDuration(step.milliseconds),
      ...(step.bytes === undefined ? [] : [formatBytes(step.bytes)]),
      ...(step.truth === undefined ? [] : [step.truth]),
      ...(step.note === undefined ? [] : [step.note]),
    ]
    say(`  ${facts.join(' · ')}`)
  }

  table(): string {
    const rows = this.steps.map(({ name, milliseconds, bytes, truth, note }) => [
      name,
      formatDuration(milliseconds),
      bytes === undefined ? '' : formatBytes(bytes),
      truth ?? '',
      note ?? '',
    ])
    return formatTable(['step', 'time', 'bytes', 'truth', ''], rows, [1, 2])
  }

  async #run(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
    const child = spawn(launcher, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      signal: this.#signal,
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code: code ?? 128, output }))
    })
  }
}

export function say(text: string): void {
  console.log(text)
}

/** The time that `act` took, with its result. */
export async function timed<Result>(
  act: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly milliseconds: number }> {
  const begun = performance.now()
  const result = await act()
  return { result, milliseconds: performance.now() - begun }
}
