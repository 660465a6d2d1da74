import { InvalidArgumentError, Option } from 'commander'
import { acceptIds } from '../core/accept-ids.ts'

/** `--accept <id>`, which may be repeated: the way past a refusal that names the id. */
export function acceptOption(
  ids: readonly string[] = acceptIds,
  description = 'go on without what cannot be made again, as the message that names it says (may be repeated)',
): Option {
  return new Option('--accept <id>', description).argParser((id: string, before: readonly string[] | undefined) => {
    if (ids.includes(id)) return [...(before ?? []), id]
    throw new InvalidArgumentError(`It is none of ${ids.join(', ')}.`)
  })
}
