import { z } from 'zod'
import { composeReach, composeSettings } from './compose/schema.ts'
import { hostSettings } from './host/schema.ts'
import { kubernetesReach, kubernetesSettings } from './kubernetes/schema.ts'

/** The settings of a platform of any kind. Apart from what the platforms do: reading a configuration loads none of it. */
export const platformSettings = z.discriminatedUnion('kind', [hostSettings, composeSettings, kubernetesSettings])
export type PlatformSettings = z.infer<typeof platformSettings>

/** Which container of a platform a component runs in. */
export const reachSettings = z.discriminatedUnion('kind', [composeReach, kubernetesReach]).meta({
  description: "The container in which the server runs, in place of an address. The app's platform says where it is.",
})
export type ReachSettings = z.infer<typeof reachSettings>
