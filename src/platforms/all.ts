import { z } from 'zod'
import { hostPlatform } from './host/host.ts'
import { hostSettings } from './host/schema.ts'
import { composeReach } from './compose/schema.ts'
import type { Platform } from './platform.ts'

/** Adding a platform is a folder, and an entry in both lists. */
export const platforms: readonly Platform[] = [hostPlatform]

/** The settings of a platform of any kind. */
export const platformSettings = z.discriminatedUnion('kind', [hostSettings])

/** Which container of a platform a component runs in. */
export const reachSettings = z.discriminatedUnion('kind', [composeReach]).meta({
  description: "The container in which the server runs, in place of an address. The app's platform says where it is.",
})
export type ReachSettings = z.infer<typeof reachSettings>
export type PlatformSettings = z.infer<typeof platformSettings>
