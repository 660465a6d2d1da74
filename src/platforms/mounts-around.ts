/** Of what is mounted at `placeOf`: what `path` lies on, and what is mounted below it. */
export function mountsAround<Mount>(path: string, mounts: readonly Mount[], placeOf: (mount: Mount) => string) {
  const above = mounts.filter((mount) => isIn(path, placeOf(mount)))
  const on = above.toSorted((a, b) => placeOf(b).length - placeOf(a).length)[0]
  const inner = mounts.filter((mount) => placeOf(mount) !== path && isIn(placeOf(mount), path))
  return { on, inner }
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
