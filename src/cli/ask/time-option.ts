import { Failure } from '../../core/failure.ts'

/** The value of an option such as `--for 2h`, as milliseconds; undefined where it was not given. */
export async function timeOption(option: string, text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined
  const { shortDuration } = await import('../../config/duration.ts')
  const parsed = shortDuration.safeParse(text)
  if (parsed.success) return parsed.data
  throw new Failure('usage', `${option} ${JSON.stringify(text)} is no length of time`, {
    hint: 'Write a number with a unit, for example 30s, 90m, 24h, 7d or 4w.',
  })
}
