import type { CompletedPart } from '@aws-sdk/client-s3'
import { cancelled } from '../../outcomes.ts'
import { objectOf } from '../connection.ts'
import type { Connection } from '../connection.ts'
import { isAbsent, isLacking, isTaken } from '../failures.ts'
import type { Upload } from './multipart.ts'
import type { Sent } from './put.ts'
import { request } from '../request.ts'
import { findObject } from '../stat.ts'

/**
 * Makes a blob of the parts. The server answers 200 before it is done and may still fail: the SDK reads that from the
 * body, and the put looks at the object afterwards.
 */
export function completeUpload(connection: Connection, upload: Upload, parts: CompletedPart[]): Promise<Sent> {
  if (upload.signal.aborted) throw cancelled(`put ${upload.name}`)
  return request(connection, { act: `put ${upload.name}`, signal: upload.signal }, async (abortSignal) => {
    try {
      return await complete(connection, upload, parts, abortSignal)
    } catch (error) {
      if (isTaken(error)) return 'taken'
      // The upload is gone when an earlier attempt completed it and the answer was lost: then the object has our mark.
      if (isAbsent(error) && (await isCompleted(connection, upload))) return 'stored'
      throw error
    }
  })
}

/**
 * Some servers take a condition for a whole object and not here. Then the name is looked at just before: two writers at
 * one instant are not kept apart, but what is stored in parts has a name that no other writer makes, that of a new point.
 */
async function complete(
  connection: Connection,
  upload: Upload,
  parts: CompletedPart[],
  abortSignal: AbortSignal,
): Promise<Sent> {
  const { createOnly, demands } = connection
  const isConditional = createOnly && !demands.plainCompletion
  try {
    return await send(connection, upload, parts, isConditional, abortSignal)
  } catch (error) {
    if (!isConditional || !isLacking(error)) throw error
    if (await findObject(connection, upload.name, upload.signal)) return 'taken'
    const sent = await send(connection, upload, parts, false, abortSignal)
    demands.plainCompletion = true
    return sent
  }
}

async function send(
  { sdk, client, ...connection }: Connection,
  upload: Upload,
  parts: CompletedPart[],
  isConditional: boolean,
  abortSignal: AbortSignal,
): Promise<Sent> {
  const input = {
    ...objectOf(connection, upload.name),
    UploadId: upload.id,
    MultipartUpload: { Parts: parts },
    ...(isConditional ? { IfNoneMatch: '*' } : {}),
  }
  await client.send(new sdk.CompleteMultipartUploadCommand(input), { abortSignal })
  return 'stored'
}

async function isCompleted(connection: Connection, upload: Upload): Promise<boolean> {
  const found = await findObject(connection, upload.name, upload.signal)
  return found?.mark === upload.mark
}
