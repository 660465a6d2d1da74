import { join } from 'node:path'
import { buildOnce } from './go-build.ts'

const VERSION = 'k8s.io/component-base/version'
/** Without symbols and C: less to link, and nothing but Go is needed. The server refuses to start without its version. */
const FLAGS = `-s -w -X ${VERSION}.gitVersion=v1.34.4 -X ${VERSION}.gitMajor=1 -X ${VERSION}.gitMinor=34`

/** The program that is etcd and the API server, built from source the first time: minutes, and 1.5 GB for Go's caches. */
export function buildControlPlane(): Promise<string> {
  return buildOnce({
    name: 'kubernetes',
    module: join(import.meta.dirname, 'kubernetes'),
    files: ['go.mod', 'go.sum', 'main.go'],
    args: ['-trimpath', '-ldflags', FLAGS, '.'],
    environment: { CGO_ENABLED: '0' },
    limit: 40 * 60_000,
    otherwise: 'the API server of Kubernetes could not be built; leave it out with --without kubernetes',
  })
}
