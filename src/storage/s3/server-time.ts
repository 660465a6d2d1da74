import { Failure } from '../../core/failure.ts'
import type { Connection } from './connection.ts'
import { NEEDED } from './failures.ts'
import { request } from './request.ts'

/** The storage's clock, to the second: the date of an answer to the cheapest request that every key may make. */
export async function serverTime(connection: Connection, signal: AbortSignal): Promise<Date> {
  const { sdk, client, place, location } = connection
  let told: string | undefined
  await request(connection, { act: 'now', signal }, (abortSignal) => {
    const command = new sdk.ListObjectsV2Command({ Bucket: place.bucket, Prefix: place.prefix, MaxKeys: 1 })
    command.middlewareStack.add(
      (next) => async (input) => {
        const result = await next(input)
        told = dateHeaderOf(result.response)
        return result
      },
      { step: 'deserialize', priority: 'low' },
    )
    return client.send(command, { abortSignal })
  })
  const time = new Date(told ?? Number.NaN)
  if (Number.isNaN(time.getTime()))
    throw new Failure('unsupported', `${location} answered without a date`, { hint: NEEDED })
  return time
}

function dateHeaderOf(response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined
  const { headers } = response
  if (typeof headers !== 'object' || headers === null || !('date' in headers)) return undefined
  return typeof headers.date === 'string' ? headers.date : undefined
}
