import type { Resource } from './client.ts'

const of =
  (api: string, kind: string, plural: string) =>
  (namespace: string): Resource => ({ api, kind, plural, namespace })

export const podsIn = of('/api/v1', 'Pod', 'pods')
export const servicesIn = of('/api/v1', 'Service', 'services')
export const secretsIn = of('/api/v1', 'Secret', 'secrets')
export const configMapsIn = of('/api/v1', 'ConfigMap', 'configmaps')
export const claimsIn = of('/api/v1', 'PersistentVolumeClaim', 'persistentvolumeclaims')
export const deploymentsIn = of('/apis/apps/v1', 'Deployment', 'deployments')
export const replicaSetsIn = of('/apis/apps/v1', 'ReplicaSet', 'replicasets')
export const statefulSetsIn = of('/apis/apps/v1', 'StatefulSet', 'statefulsets')
export const daemonSetsIn = of('/apis/apps/v1', 'DaemonSet', 'daemonsets')
export const cronJobsIn = of('/apis/batch/v1', 'CronJob', 'cronjobs')
export const jobsIn = of('/apis/batch/v1', 'Job', 'jobs')
