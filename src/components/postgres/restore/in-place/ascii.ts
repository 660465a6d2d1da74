import { identifier, literal } from '../../connection/connection.ts'

/** SQL that means the same in every client encoding: a dump sets its own before anything of it runs. */
export function asciiIdentifier(name: string): string {
  return isAscii(name) ? identifier(name) : `U&"${escaped(name).replaceAll('"', '""')}"`
}

export function asciiLiteral(text: string): string {
  return isAscii(text) ? literal(text) : `U&'${escaped(text).replaceAll("'", "''")}'`
}

function isAscii(text: string): boolean {
  return !/[^\x20-\x7e]/.test(text)
}

function escaped(text: string): string {
  return Array.from(text.replaceAll('\\', '\\\\'), (one) =>
    isAscii(one) ? one : `\\+${(one.codePointAt(0) ?? 0).toString(16).padStart(6, '0')}`,
  ).join('')
}
