import type { Application } from './application.ts'
import { airflow } from './applications/airflow.ts'
import { labelStudio } from './applications/label-studio.ts'
import { netbox } from './applications/netbox.ts'
import { pretix } from './applications/pretix.ts'
import { privacyidea } from './applications/privacyidea.ts'
import { superset } from './applications/superset.ts'
import { synapse } from './applications/synapse.ts'
import { weblate } from './applications/weblate.ts'

/** Every application of the zoo. */
export const applications: readonly Application[] = [netbox, privacyidea, weblate, synapse, pretix, airflow, superset, labelStudio]
