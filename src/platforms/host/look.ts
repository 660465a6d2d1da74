import { isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { plainThing, type Surroundings, type Thing } from '../surroundings.ts'
import { execute } from './execute.ts'

const LIMIT = { limitSeconds: 30 }

/** The services that systemd of this host knows, running or not. Changes nothing. */
export async function lookAtHost(context: Context): Promise<Surroundings> {
  const names = (await listing(context)).split('\n').map((line) => line.trim().split(/\s+/)[0] ?? '')
  return {
    place: 'this host',
    name: 'portal',
    settings: { kind: 'host' },
    things: names.filter((name) => name !== '').map((name): Thing => ({ ...plainThing, kind: 'unit', name })),
    ownFiles: [],
    pausing: (writers) => ({ units: writers.map(({ name }) => name) }),
  }
}

/** Nothing where there is no systemd. */
async function listing(context: Context): Promise<string> {
  const list = ['list-unit-files', '--type=service', '--no-legend', '--no-pager', '--plain', '--full']
  try {
    return (await execute(['systemctl', ...list], LIMIT, context)).stdout
  } catch (error) {
    if (isFailure(error, 'notFound')) return ''
    throw error
  }
}
