import { drivers } from '../components/all.ts'

/** The settings schemas of the component kinds, as the configuration needs them. */
export const componentSchemas = Object.fromEntries(drivers.map(({ kind, settings }) => [kind, settings]))
