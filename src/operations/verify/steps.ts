import type { Context } from '../../core/ports.ts'
import type { ArtifactRecord } from '../../repository/documents/documents.ts'
import type { PointReader } from '../../repository/repository.ts'

export interface VerifyStep {
  readonly component: string
  readonly kind: string
  readonly role: string
  readonly number: number
  readonly size: number
  /** `presence`: every artifact is there with its size; `full`: every byte is decrypted and hashed, and the real tool reads the archive. */
  readonly level: 'presence' | 'full'
}

/**
 * All artifacts in full, or a sample of them: `sample` is the share to read, from 0 to 1. Which artifacts a sample takes follows from
 * point id and day, so that a daily sample comes round to all of them.
 */
export function verifySteps(reader: PointReader, sample: number, context: Context): readonly VerifyStep[] {
  const day = Math.floor(context.clock.now().getTime() / 86_400_000)
  const parts = Math.max(1, Math.round(1 / sample))
  return reader.manifest.components.flatMap((component) =>
    component.artifacts.map((artifact) => stepOf(component, artifact, (artifact.number + day) % parts === 0)),
  )
}

function stepOf(
  component: { readonly name: string; readonly kind: string },
  artifact: ArtifactRecord & { readonly role: string },
  isRead: boolean,
): VerifyStep {
  return {
    component: component.name,
    kind: component.kind,
    role: artifact.role,
    number: artifact.number,
    size: artifact.size,
    level: isRead ? 'full' : 'presence',
  }
}
