import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { isGone } from '../../../platforms/place.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import type { PostgresDetails, PostgresSettings } from '../schema.ts'
import { capture, readerOf } from '../capture/capture.ts'
import { asChangedWhileRead } from '../capture/changed-while-read.ts'
import { captureInside } from './capture-inside.ts'
import { insideReader } from './inside-reader.ts'

/** pg_dump and a session see only that they were cut. The way knows whether its pod or container is gone. */
function reasonOf(error: unknown, { through }: PostgresSettings): unknown {
  const broken = through?.lastFailure()
  if (broken === undefined || !isGone(broken) || isGone(error)) return error
  const { kind, message, hint, facts } = broken
  return new Failure(kind, message, { facts, cause: error, ...(hint === undefined ? {} : { hint }) })
}

/** Captures through a way to the server, or where none leads there by what the container itself has. */
export async function captureAnywhere(
  settings: PostgresSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<PostgresDetails>> {
  const reader = await insideReader(readerOf(settings), context)
  if (reader === undefined)
    return await capture(settings, sink, context).catch((error: unknown) => {
      throw reasonOf(error, settings)
    })
  try {
    return await captureInside(settings, reader, sink, context)
  } catch (error) {
    throw asChangedWhileRead(error)
  }
}
