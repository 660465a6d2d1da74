import type { KeyFitResult } from '../../src/key-fit/verdict.ts'
import { certctlValue } from '../parts/certctl-value.ts'
import { startReadyLab, type Lab } from './lab.ts'

export const KEY = 'a passphrase of certctl, 32 bytes or more'
export const OTHER_KEY = 'another passphrase of certctl, 32 bytes or more'

/** An app whose database is encrypted under `KEY`, which the component `keys` must hold under the name `secret`. */
export async function startCertctlLab(component: Record<string, unknown>, secret: string): Promise<Lab> {
  const lab = await startReadyLab()
  await lab.edit((config) => {
    const app = config.apps['portal'] as Record<string, unknown> & { components: Record<string, unknown> }
    delete app.components['files']
    app.components['keys'] = component
    app['keyFit'] = [{ kind: 'recipe', recipe: 'certctl', keys: { configKey: { component: 'keys', secret } } }]
  })
  await lab.sql(`create table issuers (id text primary key, encrypted_config bytea);
    insert into issuers values ('a', '\\x${certctlValue(KEY, '{}').toString('hex')}')`)
  return lab
}

/** What a backup, a drill or a restore prints with --json, as far as these tests read it. */
export interface Reported {
  readonly report: { readonly point: string; readonly outcome: string; readonly keyFit: readonly KeyFitResult[] }
}

export function verdictsOf({ report }: Reported): readonly string[] {
  return report.keyFit.map(({ verdict }) => verdict)
}
