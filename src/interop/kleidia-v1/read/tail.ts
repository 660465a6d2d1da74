import type { Bytes } from '../../../core/ports.ts'

/** A stream without its last `length` bytes, and those bytes once it has ended; fewer when it was shorter. */
export function withoutTail(source: Bytes, length: number): { readonly body: Bytes; readonly tail: () => Buffer } {
  let held: Buffer = Buffer.alloc(0)
  async function* body(): Bytes {
    for await (const chunk of source) {
      if (chunk.length >= length) {
        // Without joining them, which would copy everything once.
        if (held.length > 0) yield held
        yield chunk.subarray(0, chunk.length - length)
        held = Buffer.from(chunk.subarray(chunk.length - length))
        continue
      }
      const known = Buffer.concat([held, chunk])
      const released = Math.max(0, known.length - length)
      if (released > 0) yield known.subarray(0, released)
      held = known.subarray(released)
    }
  }
  return { body: body(), tail: () => held }
}
