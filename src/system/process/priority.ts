import { readdir } from 'node:fs/promises'
import { getPriority, setPriority } from 'node:os'
import { z } from 'zod'

/** Who has it gets what ordinary programs leave of the processors, and all of an idle machine. */
const BACKGROUND = 10

/**
 * Lets other programs of this machine go first, for the rest of this process and in all that it starts. Cannot be taken back.
 * Linux has a priority for each thread: this one comes first, as new threads get that of whoever starts them.
 */
export async function toBackground(): Promise<void> {
  lower(0)
  for (const thread of await threads()) lower(thread)
}

async function threads(): Promise<readonly number[]> {
  const names = await readdir('/proc/self/task').catch(() => [])
  return names.map(Number)
}

function lower(thread: number): void {
  try {
    if (getPriority(thread) < BACKGROUND) setPriority(thread, BACKGROUND)
  } catch (error) {
    if (!gone.safeParse(error).success) throw error
  }
}

/** A thread may end between the list and its turn. */
const gone = z.object({ info: z.object({ code: z.literal('ESRCH') }) })
