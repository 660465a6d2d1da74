/** Numbers and times as people read them. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `1.3 GB`; powers of 1000, as disks are sold and S3 is billed. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

/** `0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 10 min`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${seconds.toFixed(2)} s`
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`
}

/** `2026-11-22 02:00 UTC`. */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`
}

/** Columns two spaces apart; the last is not padded. Columns listed in `right` are right-aligned. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, right.includes(column), column === header.length - 1))
      .join('  ')
      .trimEnd()
  return [line(header), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)].join('\n')
}

function pad(cell: string, width: number, right: boolean, last: boolean): string {
  if (right) return cell.padStart(width)
  return last ? cell : cell.padEnd(width)
}

/** `3 restore points`, `1 restore point`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** What a person wrote, told apart from our own words. */
export function quoted(note: string): string {
  return `“${note}”`
}

/** What somebody said of a point, below where the point is named. */
export function noteLines({ note }: { readonly note?: string | undefined }): readonly string[] {
  return note === undefined ? [] : [`  note: ${quoted(note)}`]
}
