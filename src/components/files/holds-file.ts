import { joined, rawOfText, ROOT } from './tree/names.ts'
import { selectionOf } from './capture/selection.ts'
import type { FilesSettings } from './schema.ts'

/** Whether a file of the host is in what is captured, by the settings; whether it is there, the capture says. */
export function holdsFile(settings: Pick<FilesSettings, 'path' | 'include' | 'exclude'>, file: string): boolean {
  if (!file.startsWith(`${settings.path}/`)) return false
  const inside = rawOfText(file.slice(settings.path.length + 1))
  const selection = selectionOf(settings)
  let above = ROOT
  const ways = inside.split('/').map((name) => (above = joined(above, name)))
  return !ways.some((way) => selection.excludes(way)) && selection.includes(inside)
}
