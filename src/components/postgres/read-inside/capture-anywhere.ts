import type { Context } from '../../../core/ports.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import type { PostgresDetails, PostgresSettings } from '../schema.ts'
import { capture, readerOf } from '../capture/capture.ts'
import { asChangedWhileRead } from '../capture/changed-while-read.ts'
import { captureInside } from './capture-inside.ts'
import { insideReader } from './inside-reader.ts'

/** Captures through a way to the server, or where none leads there by what the container itself has. */
export async function captureAnywhere(
  settings: PostgresSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<PostgresDetails>> {
  const reader = await insideReader(readerOf(settings), context)
  if (reader === undefined) return await capture(settings, sink, context)
  try {
    return await captureInside(settings, reader, sink, context)
  } catch (error) {
    throw asChangedWhileRead(error)
  }
}
