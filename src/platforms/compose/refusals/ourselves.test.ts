import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMountedFrom } from './ourselves.ts'

const ID = '0edae089fd060b48a33544d6916e6c3cc921321f26a16c97c4312bb3765c9aa0'
const OTHER = 'd909a1d4d91e74cb263fd37208e76d2e426bfd5c3f92c7ab50d942f717767714'

test('a container is known from inside by what its engine mounts', () => {
  const docker = `616 597 254:0 /docker/containers/${ID}/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw`
  const podman = `616 597 0:25 /containers/storage/overlay-containers/${ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw`
  for (const mounts of [docker, podman]) {
    const all = `590 580 0:50 / / rw - overlay overlay rw\n${mounts}\n`
    assert.deepEqual([isMountedFrom(all, ID), isMountedFrom(all, OTHER)], [true, false])
  }
  // Who looks after containers may have their folders mounted.
  const host = `616 597 254:0 /docker/containers/${ID}/hostname /var/lib/docker/containers/x rw - ext4 /dev/vda rw`
  assert.deepEqual([isMountedFrom(host, ID), isMountedFrom('', ID)], [false, false])
})
