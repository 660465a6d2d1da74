import { delimiter, join } from 'node:path'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Application, Database, Life, Place, Step } from './application.ts'
import type { Enclosure, Running } from './enclosure.ts'
import { programFolders } from './install.ts'

/** An application that lives in an enclosure. */
export interface Visit {
  /** Runs steps one after the other; gives all they printed. */
  run(steps: readonly Step[]): Promise<string>
  readonly life: Life
}

const REQUESTS = [process.execPath, join(import.meta.dirname, 'requests.ts')] as const

/** Writes its files. */
export async function beginVisit(application: Application, place: Place, enclosure: Enclosure): Promise<Visit> {
  const life = application.life(place)
  for (const [name, content] of Object.entries(life.files ?? {})) {
    const file = join(place.folder, name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }
  const programs = programFolders(place.installed, application.packages)
  const path = [...programs, process.env['PATH'] ?? ''].join(delimiter)
  const options = { folder: place.folder, environment: { PATH: path, ...life.environment } }
  const run = async (steps: readonly Step[]): Promise<string> => {
    let printed = ''
    for (const step of steps) printed += await take(step)
    return printed
  }
  const take = async (step: Step): Promise<string> => {
    const limit = step.minutes === undefined ? {} : { minutes: step.minutes }
    if ('run' in step) {
      const input = step.input === undefined ? {} : { input: step.input }
      return enclosure.run(step.run, { ...options, ...limit, ...input })
    }
    const served = enclosure.start(step.serve, options)
    try {
      const input = JSON.stringify({ ready: step.ready, requests: step.requests })
      const answers = enclosure.run(REQUESTS, { ...options, ...limit, input })
      return (await Promise.race([answers, early(served)])) + served.printed()
    } catch (cause) {
      throw new Error(`${String(cause)}\nThe server printed:\n${served.printed().slice(-3000)}`, { cause })
    } finally {
      await served.stop()
    }
  }
  return { life, run }
}

async function early(server: Running): Promise<never> {
  await server.ended
  throw new Error('the server ended before all was asked')
}

export const databaseUrl = ({ user, password, host, port, name }: Database, scheme = 'postgresql'): string =>
  `${scheme}://${user}:${password}@${host}:${port}/${name}`
