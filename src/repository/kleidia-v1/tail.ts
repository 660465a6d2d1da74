import type { Bytes } from '../../core/ports.ts'

/** A stream without its last `length` bytes, and those bytes once it has ended; fewer when it was shorter. */
export function withoutTail(source: Bytes, length: number): { readonly body: Bytes; readonly tail: () => Buffer } {
  let held: Buffer = Buffer.alloc(0)
  async function* body(): Bytes {
    for await (const chunk of source) {
      const known = Buffer.concat([held, chunk])
      const released = Math.max(0, known.length - length)
      held = Buffer.from(known.subarray(released))
      if (released > 0) yield known.subarray(0, released)
    }
  }
  return { body: body(), tail: () => held }
}
