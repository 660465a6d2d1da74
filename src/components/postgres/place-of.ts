import type { Through } from '../../platforms/through.ts'

interface Placed {
  readonly host: string
  readonly port: number
  readonly through?: Through | undefined
}

/** For people: where a server is. */
export function placeOf({ host, port, through }: Placed): string {
  return through?.name ?? `${host}:${port}`
}
