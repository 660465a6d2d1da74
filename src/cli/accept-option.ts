import { InvalidArgumentError, Option } from 'commander'
import { acceptIds } from '../core/accept-ids.ts'

/** `--accept <id>`: the way past a refusal that names the id. */
export function acceptOption(): Option {
  const add = (id: string, ids: readonly string[] = []): readonly string[] => [...ids, parseAcceptId(id)]
  return new Option(
    '--accept <id>',
    'go on without what cannot be made again, as the message that names it says (may be repeated)',
  ).argParser(add)
}

function parseAcceptId(text: string): string {
  if (acceptIds.some((id) => id === text)) return text
  throw new InvalidArgumentError(`It is none of ${acceptIds.join(', ')}.`)
}
