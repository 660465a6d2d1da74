import { stringify } from 'yaml'
import type { Found, Remark, Undecided } from './draft.ts'

interface Parts {
  readonly profile: string
  readonly platform: Readonly<Record<string, unknown>>
  readonly found: Found
}

/** The lines below `components:` of an app, and its other settings. What is left out or undecided stands there as comments. */
export function draftText({ profile, platform, found }: Parts): string {
  const { components, keyFit = [], notCaptured = [], undecided = [] } = found
  return [
    lines(components, 6),
    ...undecided.map((one) => comment(undecidedText(one), 6)),
    ...notCaptured.map((one) => comment(`Not captured, on purpose: ${remarkText(one)}.`, 6)),
    ...(keyFit.length === 0
      ? []
      : [comment('Every backup and drill proves that these keys open this data.', 4), lines({ keyFit }, 4)]),
    settingsText(profile, platform),
  ].join('')
}

/** What holds for an app of any place. */
export function settingsText(profile: string, platform: Readonly<Record<string, unknown>>): string {
  return [
    comment('What is known of this app: restores say what is left to do afterwards.', 4),
    lines({ profile }, 4),
    comment('Where it runs: what a restore stops and starts again, in this order.', 4),
    lines({ platform }, 4),
  ].join('')
}

const remarkText = ({ what, why }: Remark): string => `${what}: ${why}`

function undecidedText({ what, why, example }: Undecided): string {
  return [`Not decided: ${what}: ${why}.`, ...(example === undefined ? [] : [yaml(example).trimEnd()])].join('\n')
}

function comment(text: string, indent: number): string {
  return indented(text.replace(/^/gm, '# '), indent)
}

function lines(value: Readonly<Record<string, unknown>>, indent: number): string {
  return Object.keys(value).length === 0 ? '' : indented(yaml(value).trimEnd(), indent)
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 })
}

function indented(text: string, indent: number): string {
  return `${text.replace(/^(?=.)/gm, ' '.repeat(indent))}\n`
}
