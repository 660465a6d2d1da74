import { InvalidArgumentError, Option } from 'commander'
import type { Into } from '../../core/texts/into-text.ts'

const PART = /^([^.=]+)\.([^.=]+)=(.*)$/s

/** `--into <component>.<setting>=<value>`, which may be repeated. */
export function intoOption(): Option {
  return new Option(
    '--into <place>',
    "another place than the app's own, as <component>.<setting>=<value>: database.database=copy (may be repeated)",
  ).argParser((text: string, before: Into | undefined): Into => {
    const [, component = '', setting = '', value = ''] = PART.exec(text) ?? []
    if (component === '') throw new InvalidArgumentError('It is not <component>.<setting>=<value>.')
    return { ...before, [component]: { ...before?.[component], [setting]: value } }
  })
}
