import { z } from 'zod'
import {
  composeFilesReach,
  composeHookReach,
  composeReach,
  composeSettings,
  type ComposeReach,
} from './compose/schema.ts'
import { hostSettings } from './host/schema.ts'
import {
  kubernetesFilesReach,
  kubernetesHookReach,
  kubernetesReach,
  kubernetesSettings,
  type KubernetesReach,
} from './kubernetes/schema.ts'

/** The settings of a platform of any kind. Apart from what the platforms do: reading a configuration loads none of it. */
export const platformSettings = z.discriminatedUnion('kind', [hostSettings, composeSettings, kubernetesSettings])
export type PlatformSettings = z.infer<typeof platformSettings>

/** Which container of a platform a component runs in. */
export const reachSettings = z.discriminatedUnion('kind', [composeReach, kubernetesReach]).meta({
  description: "The container in which the server runs, in place of an address. The app's platform says where it is.",
})
export type ReachSettings = ComposeReach | KubernetesReach

/** In which container of a platform the folder of a component is. */
export const filesReachSettings = z.discriminatedUnion('kind', [composeFilesReach, kubernetesFilesReach]).meta({
  description: "The container in which path is, in place of this host. The app's platform says where it is.",
})

/** In which container of a platform a hook runs. */
export const hookReachSettings = z.discriminatedUnion('kind', [composeHookReach, kubernetesHookReach])
