import type { Command as Commander } from 'commander'
import type { Command } from './run-command.ts'
import type { CommonOptions, World } from './world.ts'

/** Set by each command: the exit code the process will end with. */
export interface Outcome {
  exitCode: number
}

type Act = (given: Command) => Promise<number>

/** What only reads gets repositories that refuse to be changed. */
export async function run(world: World, command: Commander, act: Act, readOnly = false): Promise<number> {
  const { runCommand } = await import('./run-command.ts')
  return await runCommand(world, { ...common(command), readOnly }, act)
}

export function common(command: Commander): CommonOptions {
  return command.optsWithGlobals()
}
