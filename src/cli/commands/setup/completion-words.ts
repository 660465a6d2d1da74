import { RootCommand, type Command as Completed, type Complete } from '@bomb.sh/tab'
import type { Command as Commander, Option } from 'commander'

/** Prints the words that can take the place of the last one, with what they mean. */
export async function printWords(
  program: Commander,
  words: readonly string[],
  configVariable: string | undefined,
): Promise<void> {
  // The first word is a command.
  const mayBeApp = words.length > 1 && words.at(-1)?.startsWith('-') === false
  const apps = mayBeApp ? await namesOfApps(configAmong(words) ?? configVariable) : []
  const root = new RootCommand()
  addWords(root, program, apps)
  for (const [path, command] of commandsBelow(program))
    addWords(root.command(path, command.description()), command, apps)
  root.parse([...words])
}

/** Reading the configuration takes as long as all the rest. */
async function namesOfApps(config: string | undefined): Promise<readonly string[]> {
  const { appNames } = await import('../../../config/app-names.ts')
  return await appNames(config)
}

function configAmong(words: readonly string[]): string | undefined {
  const index = words.findIndex((word) => word === '-c' || word === '--config')
  return index === -1 ? undefined : words[index + 1]
}

/** Every command with the words that name it, such as `key add`. */
function commandsBelow(command: Commander, path: readonly string[] = []): readonly (readonly [string, Commander])[] {
  const shown = command.createHelp().visibleCommands(command)
  return command.commands
    .filter((one) => shown.includes(one))
    .flatMap((one) => {
      const names = [...path, one.name()]
      return [[names.join(' '), one] as const, ...commandsBelow(one, names)]
    })
}

function addWords(completed: Completed, command: Commander, apps: readonly string[]): void {
  for (const argument of command.registeredArguments) {
    const values = argument.argChoices ?? (argument.name() === 'app' ? apps : [])
    completed.argument(argument.name(), handlerOf(values))
  }
  for (const option of optionsOf(command)) addOption(completed, option, apps)
}

/** Those of the groups that a command is in are options of the command, too. */
function optionsOf(command: Commander | null): readonly Option[] {
  return command === null ? [] : [...command.options, ...optionsOf(command.parent)]
}

function addOption(completed: Completed, option: Option, apps: readonly string[]): void {
  const [name, alias] = [option.long?.slice(2), option.short?.slice(1)]
  if (name === undefined) return
  const { description, argChoices, flags } = option
  if (!option.required && !option.optional) completed.option(name, description, alias)
  else completed.option(name, description, handlerOf(argChoices ?? (flags.endsWith('<app>') ? apps : [])), alias)
}

function handlerOf(values: readonly string[]): (offer: Complete) => void {
  return (offer) => {
    for (const value of values) offer(value, '')
  }
}
