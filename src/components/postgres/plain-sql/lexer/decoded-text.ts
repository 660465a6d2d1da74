import type { Statement } from './pieces.ts'

const LATIN = [1, 2, 3, 4, 9, 10, 13, 14, 15, 16]
const OTHERS: Readonly<Record<string, string>> = {
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  WIN866: 'ibm866',
  EUC_JP: 'euc-jp',
  EUC_KR: 'euc-kr',
  EUC_CN: 'gb2312',
}

/**
 * The characters of a statement, for the names that it gives. Encodings that this runtime does not know are read as UTF-8.
 * Sources: "Character Set Support" of PostgreSQL's manual, https://encoding.spec.whatwg.org/#names-and-labels.
 */
export function decodedText({ text, encoding }: Statement): string {
  return new TextDecoder(labelOf(encoding.toUpperCase()), { ignoreBOM: true }).decode(text)
}

function labelOf(encoding: string): string {
  const [, family, number = ''] = /^(LATIN|WIN|ISO_8859_)(\d+)$/.exec(encoding) ?? []
  if (OTHERS[encoding] !== undefined) return OTHERS[encoding]
  if (family === 'LATIN') return `iso-8859-${LATIN[Number(number) - 1] ?? 1}`
  if (family === 'WIN') return `windows-${number}`
  return family === undefined ? 'utf-8' : `iso-8859-${number}`
}
