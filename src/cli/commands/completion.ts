import type { Command as Commander } from 'commander'
import { Failure } from '../../core/failure.ts'
import { printFailure } from '../output.ts'
import type { World } from '../world.ts'

/** `holdfast completion <shell>`: made from the program itself, so that it cannot fall behind. */
export function completion(world: World, program: Commander, shell: string): number {
  const scripts: Record<string, (program: Commander) => string> = { bash, zsh, fish }
  const script = scripts[shell]
  if (script === undefined) {
    return printFailure(
      world.streams,
      false,
      new Failure('usage', `no completion for ${JSON.stringify(shell)}`, { hint: 'There is bash, zsh and fish.' }),
    )
  }
  world.streams.out(script(program))
  return 0
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
  const top = program.commands.map(
    (command) =>
      `complete -c holdfast -n __fish_use_subcommand -a ${command.name()} -d '${command.description().replaceAll("'", String.raw`\'`)}'`,
  )
  const options = program.commands.flatMap((command) =>
    command.options.flatMap(({ long, description }) =>
      long === null || long === undefined
        ? []
        : [
            `complete -c holdfast -n '__fish_seen_subcommand_from ${command.name()}' -l ${long.slice(2)} -d '${description.replaceAll("'", String.raw`\'`)}'`,
          ],
    ),
  )
  return `# holdfast completion for fish; put into ~/.config/fish/completions/holdfast.fish
complete -c holdfast -f
${[...top, ...options].join('\n')}
`
}
