import { z } from 'zod'
import { hostPlatform } from './host/host.ts'
import { hostSettings } from './host/schema.ts'
import type { Platform } from './platform.ts'

/** Adding a platform is a folder, and an entry in both lists. */
export const platforms: readonly Platform[] = [hostPlatform]

/** The settings of a platform of any kind. */
export const platformSettings = z.discriminatedUnion('kind', [hostSettings])
export type PlatformSettings = z.infer<typeof platformSettings>
