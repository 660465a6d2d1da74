import type { Command as Commander } from 'commander'
import { Failure } from '../../../core/failure.ts'
import { runBare, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { World } from '../../world.ts'

export function addCompletion(program: Commander, cli: Cli): void {
  program
    .command('completion <shell>')
    .description('print a completion script for bash, zsh or fish')
    .action((shell: string, _options: unknown, command: Commander) =>
      runBare(cli, command, ({ world }) => Promise.resolve(completion(world, program, shell))),
    )
}

/** Made from the program itself, so that it cannot fall behind. */
function completion(world: World, program: Commander, shell: string): Ending {
  const scripts: Record<string, (program: Commander) => string> = { bash, zsh, fish }
  const script = scripts[shell]
  if (script === undefined)
    throw new Failure('usage', `no completion for ${JSON.stringify(shell)}`, { hint: 'There is bash, zsh and fish.' })
  world.streams.out(script(program))
  return 'done'
}

interface Word {
  readonly path: string
  readonly words: readonly string[]
}

/** For each command path (`key add`), the words that may follow it. */
function wordsOf(command: Commander, path: readonly string[] = []): Word[] {
  const options = command.options.flatMap(({ long }) => (long === null || long === undefined ? [] : [long]))
  const words = [...command.commands.map((sub) => sub.name()), ...options]
  return [{ path: path.join(' '), words }, ...command.commands.flatMap((sub) => wordsOf(sub, [...path, sub.name()]))]
}

function bash(program: Commander): string {
  const cases = wordsOf(program).map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`)
  return `# holdfast completion for bash; put into ~/.bashrc: eval "$(holdfast completion bash)"
_holdfast() {
  local word path='' words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  # Arguments are no commands: fall back to the longest path that is one.
  while :; do
    case "$path" in
${cases.join('\n')}
    esac
    [ -n "$words" ] || [ -z "$path" ] && break
    case "$path" in *' '*) path="\${path% *}" ;; *) path='' ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _holdfast holdfast
`
}

function zsh(program: Commander): string {
  return `# holdfast completion for zsh; put into ~/.zshrc: eval "$(holdfast completion zsh)"
autoload -U +X bashcompinit && bashcompinit
${bash(program)}`
}

function fish(program: Commander): string {
  return `# holdfast completion for fish; put into ~/.config/fish/completions/holdfast.fish
complete -c holdfast -f
${fishLines(program).join('\n')}
`
}

/** What may follow a command path: its own commands, as long as none of them is there, and its options. */
function fishLines(command: Commander, path: readonly string[] = []): readonly string[] {
  const names = command.commands.map((sub) => sub.name())
  const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`)
  const open =
    path.length === 0 ? ['__fish_use_subcommand'] : [...seen, `not __fish_seen_subcommand_from ${names.join(' ')}`]
  const line = (conditions: readonly string[], what: string, description: string): string =>
    `complete -c holdfast -n '${conditions.join('; and ')}' ${what} -d '${description.replaceAll("'", String.raw`\'`)}'`
  const options = path.length === 0 ? [] : command.options
  return [
    ...command.commands.map((sub) => line(open, `-a ${sub.name()}`, sub.description())),
    ...options.flatMap(({ long, description }) =>
      long === null || long === undefined ? [] : [line(seen, `-l ${long.slice(2)}`, description)],
    ),
    ...command.commands.flatMap((sub) => fishLines(sub, [...path, sub.name()])),
  ]
}
