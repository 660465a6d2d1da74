import { Failure } from '../../../core/failure.ts'
import type { CaptureStats } from '../capture/capture-stats.ts'
import { WORDS } from '../capture/not-captured-words.ts'
import { rawOfText } from '../tree/names.ts'
import type { TarEnd, TarRequest } from './tar-output.ts'

const MEANINGS: readonly (readonly [RegExp, string | undefined])[] = [
  [/^(.*): file changed as we read it$/, WORDS.changing],
  [/^(.*): File shrank by \d+ bytes?; padding with zeros$/, WORDS.changing],
  [/^(.*): file is on a different filesystem; not dumped$/, WORDS.elsewhere],
  [/^(.*): socket ignored$/, WORDS.special('socket')],
  // What went away during the walk is left out, as it is on this host.
  [/^(.*): File removed before we read it$/, undefined],
  [/^(.*): No such file or directory$/, undefined],
  [/^Exiting with failure status due to previous errors$/, undefined],
  [/^error exit delayed from previous errors$/, undefined],
]

/** Takes what tar said as what was not captured. Fails with `toolFailed` where it says that something could not be read. */
export function noteWords({ shell, path, tar }: TarRequest, { code, said }: TarEnd, stats: CaptureStats): void {
  const lines = said.map((line) => line.replace(/^tar: (?=.)/, ''))
  const meant = lines.map((line) => MEANINGS.find(([pattern]) => pattern.test(line)))
  // Exit code 1 of GNU tar: some files changed. Of busybox: any trouble.
  const isWell = code === 0 || (code === 1 && (tar === 'gnu' || meant.every((meaning) => meaning !== undefined)))
  if (!isWell)
    throw new Failure(
      'toolFailed',
      `tar in ${shell.name} could not read all of ${path}: exit code ${code}\n${said.join('\n').slice(0, 2000)}`,
      {
        hint: 'Give the user of the container the right to read it, or mount the volume on this host.',
      },
    )
  for (const [index, line] of lines.entries()) {
    const [pattern, why] = meant[index] ?? [/^(.*)$/, 'The tar of the container said']
    if (why !== undefined) stats.omit(why, rawOfText((pattern.exec(line)?.[1] ?? line).replace(/^\.\//, '')))
  }
}

/** What such a capture never has. */
export function lessPrecise({ tar, crossFilesystems }: TarRequest): string[] {
  const attributes =
    'Extended attributes and ACLs are not captured, and whether there are any is unknown, as the folder was read by the tar of its container'
  const times = 'Times of files are captured in whole seconds, as the tar of the container gives no more'
  const mounts = 'The tar of the container cannot leave out what is mounted inside the folder: it was captured'
  const exact = tar === 'gnu' ? [] : [times, ...(crossFilesystems ? [] : [mounts])]
  return [attributes, ...exact]
}
