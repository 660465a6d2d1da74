import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Application } from './application.ts'
import { zooCache } from './install.ts'
import type { Proven } from './prove.ts'

const result = z.object({
  application: z.string(),
  version: z.string(),
  tables: z.number(),
  rows: z.number(),
  seconds: z.number(),
  problems: z.array(z.string()),
})
type Result = z.infer<typeof result>

const resultsFile = (): string => join(zooCache(), 'results.json')
/** To be copied into the documents. */
const tableFile = (): string => join(zooCache(), 'zoo.md')

export function resultOf(
  { name, version }: Pick<Application, 'name' | 'version'>,
  { tables, rows, stages }: Proven,
  seconds: number,
): Result {
  const problems = stages.flatMap((stage) => (stage.problem === undefined ? [] : [`${stage.name}: ${stage.problem}`]))
  return { application: name, version, tables, rows, seconds: Math.round(seconds), problems }
}

/** Kept from run to run, so that one application can be tried again. Gives all that are known. */
export async function keepResult(added: Result): Promise<readonly Result[]> {
  const kept = await readFile(resultsFile(), 'utf8').then(
    (text) => z.array(result).parse(JSON.parse(text)),
    () => [],
  )
  const all = [...kept.filter(({ application }) => application !== added.application), added]
  await mkdir(zooCache(), { recursive: true })
  await writeFile(resultsFile(), JSON.stringify(all, undefined, 1))
  await writeFile(tableFile(), tableOf(all))
  return all
}

/** In Markdown. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map(({ application, version, tables, rows: count, seconds, problems }) => {
    const how = problems.length === 0 ? 'green' : `red: ${problems.map((problem) => problem.split('\n')[0]).join('; ')}`
    return `| ${application} | ${version} | ${tables} | ${count} | ${how} | ${seconds} |\n`
  })
  return `| application | version | tables | rows | result | seconds |\n| --- | --- | --- | --- | --- | --- |\n${rows.join('')}`
}
