import { startComposeLab } from '../e2e/compose-lab.ts'
import { deathTests } from './platform-deaths.ts'

deathTests(await startComposeLab())
