import { safetyStates, type Safety, type SafetyReason } from './safety.ts'

/**
 * The safety of apps in the text format of Prometheus, for the textfile collector of its node exporter.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).
 *
 * `holdfast_app_state` is 1 for the state that the app is in and 0 for the others, `holdfast_app_reasons` counts
 * reasons by code, level and repository, and `holdfast_status_timestamp_seconds` (epoch seconds) tells when that was read.
 */
export function safetyMetrics(apps: readonly Safety[], now: number): string {
  return [
    ...family('holdfast_app_state', '1 for the state that the app is in', apps.flatMap(statesOf)),
    ...family('holdfast_app_reasons', 'Why the app is in its state', apps.flatMap(reasonsOf)),
    ...family('holdfast_status_timestamp_seconds', 'When this was read', [[{}, Math.floor(now / 1000)]]),
    '',
  ].join('\n')
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

function family(name: string, help: string, samples: readonly Sample[]): string[] {
  const lines = samples.map(([labels, value]) => `${name}${spellLabels(labels)} ${value}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines]
}

function spellLabels(labels: Sample[0]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escape(value: string): string {
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}

function statesOf({ app, state }: Safety): Sample[] {
  return safetyStates.map((one) => [{ app, state: one }, one === state ? 1 : 0])
}

function reasonsOf({ app, reasons }: Safety): Sample[] {
  const keyOf = ({ code, level, repository = '' }: SafetyReason): string => JSON.stringify([code, level, repository])
  return [...Map.groupBy(reasons, keyOf).values()].flatMap((alike) =>
    alike.slice(0, 1).map(({ code, level, repository = '' }) => [{ app, code, level, repository }, alike.length]),
  )
}
