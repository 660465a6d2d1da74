import type { Context } from '../../../core/ports.ts'

/** Milliseconds between two looks, from the first to the longest. An app stays down until the next look. */
const [FIRST, LONGEST, GROWTH] = [200, 1_000, 1.25]

/** Looks again and again; false when it was not so within the limit. Ends with `cancelled` by the signal. */
export async function waitUntil(
  is: () => Promise<boolean>,
  { context, limitSeconds }: { readonly context: Context; readonly limitSeconds: number },
): Promise<boolean> {
  const { clock, signal } = context
  const end = clock.monotonic() + limitSeconds * 1000
  for (let pause = FIRST; ; pause = Math.min(pause * GROWTH, LONGEST)) {
    if (await is()) return true
    const left = end - clock.monotonic()
    if (left <= 0) return false
    await clock.sleep(Math.min(pause, left), signal)
  }
}
