import { CommanderError, type Command as Commander } from 'commander'
import type { Outcome } from './cli.ts'
import { exitCodeOf } from './ending.ts'

/** Runs the program and gives the exit code; a usage error has already been printed by commander, for people. */
export async function runProgram(program: Commander, args: readonly string[], outcome: Outcome): Promise<number> {
  try {
    await program.parseAsync(spelledOut(program, args), { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return exitCodeOf('done')
    if (args.includes('--json')) program.configureOutput().writeOut?.(usageDocument(error))
    return exitCodeOf('usage')
  }
}

/** Who reads JSON gets a document for a wrong command line too. */
function usageDocument({ message }: CommanderError): string {
  const hint = 'Run holdfast help, or holdfast help with the command.'
  return `${JSON.stringify({ error: { kind: 'usage', message: message.replace(/^error: |\.$/g, '').replaceAll('\n', ' '), hint, facts: {} } })}\n`
}

/** `help key export` as `key export --help`: commander's own help knows one level of commands only. */
function spelledOut(program: Commander, args: readonly string[]): readonly string[] {
  const [help, ...words] = args
  if (help !== 'help' || words.length === 0) return args
  const known: string[] = []
  let group: Commander = program
  for (const word of words) {
    const found = group.commands.find((command) => command.name() === word)
    // A group does nothing by itself, and commander says which word of it is not known.
    if (found === undefined) return [...known, word]
    known.push(word)
    if (found.commands.length === 0) break
    group = found
  }
  return [...known, '--help']
}
