import { EventEmitter } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Help, type Command } from 'commander'
import { makeProgram } from '../src/cli/program.ts'
import type { CliPorts } from '../src/cli/cli-ports.ts'
import { exitCodes } from '../src/cli/ending.ts'

/** Writes docs/reference/commands.md, which lists every command, argument, option and exit code of the program. */
export const commandsPath = fileURLToPath(new URL('../docs/reference/commands.md', import.meta.url))

/** The program for its help alone; nothing of it can run. */
export function programForHelp(out: (text: string) => void = () => {}): Command {
  // Help and the list of commands need only the streams of a world.
  return makeProgram({ streams: { out, error: out, terminal: false } } as CliPorts, '0', { exitCode: 0 })
}

interface Entry {
  readonly name: string
  /** The name with its arguments, such as `key add <name>`. */
  readonly usage: string
  readonly command: Command
}

/** Without those that only a script calls. */
export function visibleCommands(command: Command): readonly Command[] {
  const shown = new Help().visibleCommands(command)
  return command.commands.filter((one) => shown.includes(one))
}

/** Every command that can run. */
function entriesOf(program: Command, path = ''): readonly Entry[] {
  return visibleCommands(program).flatMap((command) => {
    const name = `${path}${command.name()}`
    const inner = entriesOf(command, `${name} `)
    // A group without arguments does nothing by itself.
    if (inner.length > 0 && command.registeredArguments.length === 0) return inner
    const given = command.registeredArguments.map((argument) =>
      argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
    )
    return [{ name, usage: [name, ...given].join(' '), command }, ...inner]
  })
}

const HEAD = `# Commands

\`scripts/generate-commands.ts\` writes this page from the program.
\`holdfast help <command>\` prints the same.
\`[app]\` can be left out when there is one app.

Holdfast asks for passwords on the terminal, or takes them from the environment:

- \`HOLDFAST_PASSWORD\` opens and locks private keys.
- \`HOLDFAST_NEW_PASSWORD\` is the new one of \`key change-password\`.
- \`HOLDFAST_KLEIDIA_PASSWORD\` is that of \`import kleidia-v1\` and \`export kleidia-v1\`.

More of [dumps](../use/dumps.md), [Kleidia's backups](../use/kleidia-v1.md), [\`--accept\`](../use/accept.md) and [\`--json\`](cli-output.md).
`

export function commandsText(): string {
  const program = programForHelp()
  const entries = entriesOf(program)
  const commands = ['| command | what it does |', '| --- | --- |', ...entries.map(commandRow), '']
  const global = ['## Options of every command', '', ...optionTable(program)]
  return [HEAD, ...commands, ...global, ...exitCodeTable(), ...entries.flatMap(section)].join('\n')
}

function commandRow({ usage, command }: Entry): string {
  return `| \`${usage}\` | ${cell(command.description())} |`
}

function exitCodeTable(): readonly string[] {
  const rows = exitCodes.map(({ ending, exit }) => `| ${exit} | \`${ending}\` |`)
  const head = ['## Exit codes', '', '[errors.md](../use/errors.md) says what to do for each.', '']
  return [...head, '| code | kind |', '| --- | --- |', ...rows, '']
}

/** What the help of one command has beyond its line in the table. */
function section({ name, command }: Entry): readonly string[] {
  const notes = notesOf(command)
  const content = [...notes, ...(notes.length === 0 ? [] : ['']), ...optionTable(command)]
  return content.length === 0 ? [] : [`## ${name}`, '', ...content]
}

/** Commander gives the text after the options as an event only, and its types leave out that a command emits. */
function notesOf(command: Command): readonly string[] {
  let text = ''
  if (command instanceof EventEmitter)
    command.emit('afterHelp', { error: false, command, write: (more: string) => (text += more) })
  const sentences = text.replaceAll('<', '\\<').split(/\n|(?<=[.:]) (?=[A-Z])/)
  return sentences.map((sentence) => sentence.trim()).filter((sentence) => sentence !== '')
}

function optionTable(command: Command): readonly string[] {
  const options = command.options.filter(({ long }) => long !== '--version')
  if (options.length === 0) return []
  const says = new Help()
  const rows = options.map((option) => `| \`${says.optionTerm(option)}\` | ${cell(says.optionDescription(option))} |`)
  return ['| option | what it does |', '| --- | --- |', ...rows, '']
}

/** A bar would end the cell, and what is in angle brackets would be read as HTML. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<')
}

if (import.meta.main) await writeFile(commandsPath, commandsText())
