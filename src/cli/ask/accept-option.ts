import { InvalidArgumentError, Option } from 'commander'
import { acceptedBy, type AcceptingCommand } from '../../core/accept-ids.ts'

/** `--accept <id>`, which may be repeated: the one way past a refusal, which names the id. */
export function acceptOption(command: AcceptingCommand): Option {
  const ids: readonly string[] = acceptedBy[command]
  return new Option(
    '--accept <id>',
    'go on although this was refused; the refusal names the id (may be repeated)',
  ).argParser((id: string, before: readonly string[] | undefined) => {
    if (ids.some((known) => isOf(id, known))) return [...(before ?? []), id]
    throw new InvalidArgumentError(`It is none of ${ids.map(shown).join(', ')}.`)
  })
}

function isOf(id: string, known: string): boolean {
  return known.endsWith('-') ? id.startsWith(known) && id.length > known.length : id === known
}

function shown(id: string): string {
  return id.endsWith('-') ? `${id}<name>` : id
}
