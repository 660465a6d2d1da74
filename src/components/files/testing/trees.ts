import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Bytes, Context, Effects } from '../../../core/ports.ts'
import { systemClock } from '../../../system/clock.ts'
import { directEffects } from '../../../system/effects.ts'
import type { ArtifactSink, ArtifactSource, Captured } from '../../transfer.ts'
import { filesDriver } from '../driver.ts'
import { removeTree } from '../tree/remove-tree.ts'
import type { FilesDetails, FilesSettings } from '../schema.ts'

/** A new folder that is removed after the test. */
export async function temporaryFolder(test: Pick<TestContext, 'after'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-files-'))
  test.after(() => removeTree(folder))
  return folder
}

export function contextWith(effects: Effects = directEffects): Context {
  return { clock: systemClock, effects, signal: new AbortController().signal, progress: () => {} }
}

export function settingsFor(path: string, more: Partial<FilesSettings> = {}): FilesSettings {
  return { ...filesDriver.settings.parse({ kind: 'files', path }), ...more }
}

/** Keeps artifacts in memory; `before` sees every chunk of the archive before the next one is asked for. */
export class MemoryArtifacts implements ArtifactSink, ArtifactSource {
  readonly #contents = new Map<string, Buffer>()
  readonly #before: (role: string, bytes: number) => void

  constructor(before: (role: string, bytes: number) => void = () => {}) {
    this.#before = before
  }

  get roles(): string[] {
    return [...this.#contents.keys()]
  }

  async write(role: string, _kind: string, content: Bytes): Promise<void> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of content) {
      chunks.push(chunk)
      bytes += chunk.length
      this.#before(role, bytes)
    }
    this.#contents.set(role, Buffer.concat(chunks))
  }

  sizeOf(role: string): number {
    return this.get(role).length
  }

  get(role: string): Buffer {
    return this.#contents.get(role) ?? Buffer.alloc(0)
  }

  set(role: string, content: Buffer): void {
    this.#contents.set(role, content)
  }

  /** In pieces of an odd length, so that no reader relies on where chunks end. */
  async *read(role: string): Bytes {
    const content = this.get(role)
    for (let begin = 0; begin < content.length; begin += 70_001) yield content.subarray(begin, begin + 70_001)
  }
}

export interface Capture extends Captured<FilesDetails> {
  readonly artifacts: MemoryArtifacts
}

export async function capture(settings: FilesSettings, artifacts = new MemoryArtifacts()): Promise<Capture> {
  return { ...(await filesDriver.capture(settings, artifacts, contextWith())), artifacts }
}
