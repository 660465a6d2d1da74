import { placeOf } from '../place-of.ts'
import { createHash } from 'node:crypto'
import type pg from 'pg'
import { z } from 'zod'
import { describe } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { readCached, writeCached } from '../../../system/files/cached-file.ts'
import type { DatabaseFacts } from '../capture/database-facts.ts'
import type { PostgresSettings } from '../schema.ts'
import { describeDefinitions } from './describe-definitions.ts'
import { rehearse } from './rehearse.ts'

const finding = z.object({
  level: z.enum(['ok', 'warning', 'error', 'untested']),
  subject: z.string(),
  message: z.string(),
  hint: z.string().optional(),
})
const cached = z.object({ key: z.string(), findings: z.array(finding) })

/** Counts up when a rehearsal finds other things than before. */
const RULES = 1

/**
 * What a restore of this database will have to do in another way, or cannot do, object by object: found by trying, with
 * the definitions alone, in a throw-away server. The answer is kept until a definition changes. Where it cannot be tried,
 * that is the finding.
 */
export async function checkRehearsal(
  session: pg.ClientBase,
  settings: PostgresSettings,
  facts: DatabaseFacts,
  context: Context,
): Promise<readonly Finding[]> {
  const name = `rehearsal-${sha256([placeOf(settings), settings.database])}.json`
  try {
    const key = sha256([RULES, facts.systemIdentifier, facts.serverVersion, await describeDefinitions(session)])
    const before = cached.safeParse(await readCached(name))
    if (before.success && before.data.key === key) return before.data.findings.map(withoutAbsent)
    context.progress({ type: 'phase', phase: 'rehearse', detail: `definitions of ${settings.database}` })
    const findings = await rehearse(session, settings, facts, context)
    await writeCached(name, { key, findings })
    return findings
  } catch (error) {
    context.signal.throwIfAborted()
    const message = `its definitions were not tried in a throw-away server: ${describe(error)}`
    return [{ level: 'untested', subject: `database ${settings.database}: rehearsal of a restore`, message }]
  }
}

/** An optional key that is there and undefined is none. */
function withoutAbsent({ hint, ...rest }: z.infer<typeof finding>): Finding {
  return hint === undefined ? rest : { ...rest, hint }
}

function sha256(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
