import { Failure } from '../../../core/failure.ts'

interface Other {
  readonly begins: readonly number[]
  readonly what: string
  readonly hint: string
}

const unpack = (program: string): string => `Unpack it with ${program}, and import what is in it.`
const UTF_16 =
  'PowerShell writes that with >. Make the dump with pg_dump --file, or convert it: iconv -f UTF-16 -t UTF-8.'

/** What people have in place of a dump, by the first bytes. */
const OTHERS: readonly Other[] = [
  { begins: [0xff, 0xfe], what: 'text in UTF-16', hint: UTF_16 },
  { begins: [0xfe, 0xff], what: 'text in UTF-16', hint: UTF_16 },
  { begins: [0x2d, 0, 0x2d, 0], what: 'text in UTF-16', hint: UTF_16 },
  { begins: [0, 0x2d, 0, 0x2d], what: 'text in UTF-16', hint: UTF_16 },
  { begins: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], what: 'compressed with xz', hint: unpack('xz -d') },
  { begins: [0x5d, 0, 0], what: 'compressed with lzma', hint: unpack('xz -d') },
  { begins: [0x4c, 0x5a, 0x49, 0x50], what: 'compressed with lzip', hint: unpack('lzip -d') },
  { begins: [0x42, 0x5a, 0x68], what: 'compressed with bzip2', hint: unpack('bzip2 -d') },
  { begins: [0x1f, 0x9d], what: 'compressed with compress', hint: unpack('gzip -d') },
  { begins: [0x50, 0x4b], what: 'a zip archive', hint: unpack('unzip') },
  { begins: [0x37, 0x7a, 0xbc, 0xaf], what: 'a 7z archive', hint: unpack('7z x') },
  { begins: [0x52, 0x61, 0x72, 0x21], what: 'a rar archive', hint: unpack('unrar x') },
  { begins: [0x02, 0x21, 0x4c, 0x18], what: 'compressed with an old lz4', hint: unpack('lz4 -d') },
  { begins: [0x28, 0xb5, 0x2f, 0xfd], what: 'compressed twice', hint: unpack('zstd -d') },
  { begins: [0x1f, 0x8b], what: 'compressed twice', hint: unpack('gzip -d') },
]

/** Fails with what the file is and the next step, when its content begins as no dump does. */
export function assertNoOtherFile(path: string, beginning: Buffer): void {
  const found = OTHERS.find(({ begins }) => beginning.subarray(0, begins.length).equals(Buffer.from(begins)))
  if (found === undefined) return
  throw new Failure('unsupported', `${path} is ${found.what}, which cannot be imported`, { hint: found.hint })
}
