const signatures: readonly { readonly name: string; readonly at: number; readonly bytes: string }[] = [
  { name: 'a gzip file', at: 0, bytes: '\x1f\x8b' },
  { name: 'a zip archive', at: 0, bytes: 'PK\x03\x04' },
  { name: 'an empty zip archive', at: 0, bytes: 'PK\x05\x06' },
  { name: 'a tar archive', at: 257, bytes: 'ustar' },
  { name: 'a PostgreSQL custom dump', at: 0, bytes: 'PGDMP' },
  { name: 'an age file', at: 0, bytes: 'age-encryption.org/' },
  { name: 'a zstd file', at: 0, bytes: '\x28\xb5\x2f\xfd' },
  { name: 'an SQL dump', at: 0, bytes: '--' },
]

/** How many bytes `foreignFormat` looks at. */
const FOREIGN_LENGTH = 262

/** What these first bytes are, where they are of a well-known other format. */
export function foreignFormat(start: Uint8Array): string | undefined {
  const text = Buffer.from(start.subarray(0, FOREIGN_LENGTH)).toString('latin1')
  return signatures.find(({ at, bytes }) => text.startsWith(bytes, at))?.name
}
