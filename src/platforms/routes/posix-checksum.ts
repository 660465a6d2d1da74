const POLYNOMIAL = 0x04c11db7

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24
  for (let bit = 0; bit < 8; bit += 1) value = value < 0 ? (value << 1) ^ POLYNOMIAL : value << 1
  return value
})

/** The CRC of POSIX `cksum`, which every container with a shell has; nothing in Node gives it. */
export class PosixChecksum {
  #value = 0
  length = 0

  update(bytes: Uint8Array): void {
    let value = this.#value
    // Each index is below 256.
    for (const byte of bytes) value = (value << 8) ^ (TABLE[(value >>> 24) ^ byte] ?? 0)
    this.#value = value
    this.length += bytes.length
  }

  /** Of all bytes and, as POSIX says, of their number from its lowest byte on. */
  value(): number {
    let value = this.#value
    for (let rest = this.length; rest > 0; rest = Math.floor(rest / 256))
      value = (value << 8) ^ (TABLE[(value >>> 24) ^ (rest % 256)] ?? 0)
    return ~value >>> 0
  }
}
