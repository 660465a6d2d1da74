import type { Driver } from './driver.ts'
import { filesDriver } from './files/driver.ts'
import { kubernetesSecretsDriver } from './kubernetes-secrets/driver.ts'
import { openbaoDriver } from './openbao/driver.ts'
import { postgresDriver } from './postgres/driver.ts'
import { secretsDriver } from './secrets/driver.ts'

/** Every kind of component. Adding one is a folder and a line here. */
export const drivers: readonly Driver[] = [
  postgresDriver,
  filesDriver,
  secretsDriver,
  openbaoDriver,
  kubernetesSecretsDriver,
].map((driver) => driver as unknown as Driver)
