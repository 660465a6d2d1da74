/** How much of a buffer may lie behind the bytes that it was made for. */
const SLACK = 64

/**
 * Gives the memory of bytes back at once. Nobody may use them afterwards, nor any view of them; bytes that are only a part
 * of a larger buffer are left alone. Without this the collector has to find them: it marks everything else of the program
 * each time some 32 MiB of buffers were made, which took more processor time than decrypting and decompressing.
 */
export function freeBytes({ buffer, byteOffset, byteLength }: Uint8Array): void {
  const isWhole = byteOffset === 0 && buffer.byteLength - byteLength <= SLACK
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/**
 * Gives the memory of a buffer back that was filled from its beginning to its end, if `bytes` are the last that it holds. All
 * that is in it must have been used, and nobody but the caller may have bytes there.
 */
export function freeFilled({ buffer, byteOffset, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteOffset + byteLength === buffer.byteLength) buffer.transfer(0)
}
