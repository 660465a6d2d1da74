import type { Bytes } from '../../../core/ports.ts'

/**
 * Gives `content` to `use` and reads what it left unread. An error of the content wins over one of `use`, which is then
 * only its consequence.
 */
export async function pipeToTool(content: Bytes, use: (input: Bytes) => Promise<void>): Promise<void> {
  const iterator = content[Symbol.asyncIterator]()
  const broken: unknown[] = []
  const input = pulled(iterator, broken)
  try {
    await use(input)
    // pg_restore does not read behind the last table; the check of the whole content comes with its end.
    while ((await iterator.next()).done !== true);
  } catch (error) {
    throw broken.length > 0 ? broken[0] : error
  } finally {
    await iterator.return?.()
  }
  if (broken.length > 0) throw broken[0]
}

/** Leaving this loop early does not end `iterator`, so that the rest can still be read. */
async function* pulled(iterator: AsyncIterator<Uint8Array>, broken: unknown[]): Bytes {
  for (;;) {
    const next = await iterator.next().catch((error: unknown) => {
      broken.push(error)
      throw error
    })
    if (next.done === true) return
    yield next.value
  }
}
