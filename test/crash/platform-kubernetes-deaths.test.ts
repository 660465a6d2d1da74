import { startKubernetesLab } from '../e2e/kubernetes-lab.ts'
import { deathTests } from './platform-deaths.ts'

deathTests(await startKubernetesLab())
