import type { Application } from './application.ts'
import { airflow } from './applications/airflow.ts'
import { directus } from './applications/directus.ts'
import { keycloak } from './applications/keycloak.ts'
import { labelStudio } from './applications/label-studio.ts'
import { n8n } from './applications/n8n.ts'
import { netbox } from './applications/netbox.ts'
import { pretix } from './applications/pretix.ts'
import { privacyidea } from './applications/privacyidea.ts'
import { strapi } from './applications/strapi.ts'
import { superset } from './applications/superset.ts'
import { synapse } from './applications/synapse.ts'
import { weblate } from './applications/weblate.ts'

/** Every application of the zoo. */
export const applications: readonly Application[] = [
  netbox,
  privacyidea,
  weblate,
  synapse,
  pretix,
  airflow,
  superset,
  labelStudio,
  directus,
  n8n,
  strapi,
  keycloak,
]
