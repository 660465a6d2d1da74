import { assemble } from '../../src/assemble/assemble.ts'
import { passwordOfLockedKeys } from '../../src/cli/ask/passwords.ts'
import { makeProgram } from '../../src/cli/program.ts'
import { runProgram } from '../../src/cli/run-program.ts'
import type { Outcome } from '../../src/cli/cli.ts'
import type { CliPorts } from '../../src/cli/cli-ports.ts'
import { Failure } from '../../src/core/failure.ts'
import { systemClock } from '../../src/system/clock.ts'
import type { Effects } from '../../src/core/ports.ts'
import { directEffects } from '../../src/system/effects.ts'
import { withTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import type { Ran } from './holdfast.ts'
import type { Lab } from './lab.ts'

type SomeLab = Pick<Lab, 'folder' | 'environment'>

/** The real command line with all its real parts, in this process, on a machine whose clock is wrong by `milliseconds`. */
export async function withClock(lab: SomeLab, milliseconds: number, ...args: readonly string[]): Promise<Ran> {
  return await inProcess(lab, { milliseconds, effects: directEffects }, args)
}

/** The same with these effects, which may let it die. */
export async function withEffects(lab: SomeLab, effects: Effects, ...args: readonly string[]): Promise<Ran> {
  return await inProcess(lab, { milliseconds: 0, effects }, args)
}

/** Everything but the clock and the effects is as in `main.ts`. */
async function inProcess(
  lab: SomeLab,
  { milliseconds, effects }: { readonly milliseconds: number; readonly effects: Effects },
  args: readonly string[],
): Promise<Ran> {
  let [out, error] = ['', '']
  const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + milliseconds) }
  const signal = new AbortController().signal
  const noTerminal = (): Promise<string> => Promise.reject(new Failure('usage', 'there is no terminal'))
  const world: CliPorts = {
    streams: { out: (text) => void (out += text), error: (text) => void (error += text), terminal: false },
    context: (progress) => ({ clock, effects, signal, progress }),
    assemble: (options, context) => {
      const isAsked = lab.environment['HOLDFAST_PASSWORD'] === undefined
      return assemble(options, { password: passwordOfLockedKeys(world), isAsked }, context)
    },
    withScratchFolder: withTemporaryFolder,
    variable: (name) => lab.environment[name],
    ask: { password: noTerminal, text: noTerminal },
  }
  const outcome: Outcome = { exitCode: 0 }
  Object.assign(process.env, lab.environment)
  const code = await runProgram(
    makeProgram(world, '0', outcome),
    ['--config', `${lab.folder}/holdfast.yaml`, ...args],
    outcome,
  )
  return { code, out, error }
}
