import type {
  KleidiaFile,
  KleidiaHeader,
  KleidiaImported,
  KleidiaReport,
} from '../../../interop/kleidia-v1/import-kleidia.ts'
import { formatBytes, formatDuration, formatTable, plural } from '../../print/format.ts'

/** What became of each file, for people. */
export function kleidiaText({ files }: KleidiaReport): string {
  const rows = files.map((file) => [
    file.name,
    formatBytes(file.size),
    file.outcome === 'failed' ? 'FAILED' : file.outcome === 'incomplete' ? 'INCOMPLETE' : file.outcome,
    ...partsOf(file),
  ])
  return [
    formatTable(['file', 'size', 'outcome', 'created', 'type'], rows, [1]),
    '',
    ...files.flatMap(remarksOf),
    endOf(files),
  ].join('\n')
}

/** Control characters of a stranger's header must not reach the terminal. */
function printable(text: string | null): string {
  return (text ?? '-').replace(/[^\x20-\x7e]/g, '?').slice(0, 40)
}

function partsOf({ claimed, opened }: KleidiaFile): readonly [string, string] {
  const header: KleidiaHeader | undefined = opened?.header ?? claimed
  return [printable(header?.created ?? null), printable(header?.backupType ?? null)]
}

function remarksOf({ name, opened, failure, imported }: KleidiaFile): readonly string[] {
  return [
    ...(failure === undefined ? [] : [`${name}: ${failure.message}`]),
    ...(opened?.folder === undefined ? [] : [`${name}: unpacked into ${opened.folder}, readable by you only`]),
    ...(opened?.unknownParts ?? []).map((part) => `${name}: ${JSON.stringify(part)} is not known and was NOT taken`),
    ...(imported === undefined ? [] : pointLines(name, imported)),
    ...(opened?.disagreements ?? []).map((what) => `${name}: the header was changed, or written wrongly: ${what}`),
    ...(opened?.remarks ?? []).map((what) => `${name}: remark: ${what}`),
  ]
}

function pointLines(name: string, { point, made }: KleidiaImported): readonly string[] {
  if (made === undefined) return [`${name}: is restore point ${point} already`]
  return [
    `${name}: restore point ${point}, ${made.missing.length === 0 ? made.truth : `INCOMPLETE: without ${made.missing.join(', ')}`}, ${formatDuration(made.durationMilliseconds)}`,
    ...made.repositories.map(
      ({ name: to, outcome, location, failure }) => `  ${to}: ${failure?.message ?? outcome}, ${location}`,
    ),
    ...made.notCaptured.map((what) => `  not captured: ${what}`),
  ]
}

function endOf(files: readonly KleidiaFile[]): string {
  const opened = files.flatMap((file) => file.opened ?? [])
  if (opened.length === 0 && files.some(({ imported }) => imported !== undefined)) return 'Nothing is new.'
  if (opened.length === 0) {
    const listed = files.filter(({ outcome }) => outcome === 'listed')
    return `${plural(listed.length, 'backup')}. Time and type are claims that nothing proves; --verify and --unpack prove them with the password.`
  }
  const secrets = opened.reduce((sum, found) => sum + found.secrets, 0)
  const isClear = opened.some(({ folder }) => folder !== undefined)
  return [
    `${plural(opened.length, 'backup')} authenticated and read whole, with ${plural(secrets, 'secret')}.`,
    ...(files.some(({ imported }) => imported?.made !== undefined)
      ? ['A point that was imported is named by its id only, never by latest, and held until holdfast release <point>.']
      : []),
    ...(isClear ? ['What was unpacked is in clear: remove it when you are done.'] : []),
  ].join('\n')
}
