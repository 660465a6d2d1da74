import { composePlatform } from './compose/compose.ts'
import { hostPlatform } from './host/host.ts'
import { kubernetesPlatform } from './kubernetes/kubernetes-platform.ts'
import type { Platform } from './platform.ts'

/** Adding a platform is a folder, an entry here, and its schemas in `settings.ts`. */
export const platforms: readonly Platform[] = [hostPlatform, composePlatform, kubernetesPlatform]
