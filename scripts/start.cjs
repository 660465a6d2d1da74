/* Runs a script of this project on a bare machine: installs the npm packages when they are missing or old, then
   starts the pinned Node. Plain CommonJS, because it is the first thing that runs and the Node may be old. */
'use strict'
var childProcess = require('child_process')
var crypto = require('crypto')
var fs = require('fs')
var path = require('path')
var root = path.join(__dirname, '..')
var stamp = path.join(root, 'node_modules', '.holdfast-lockfile')

function lockfileHash() {
  return crypto
    .createHash('sha256')
    .update(fs.readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex')
}

function isInstalled() {
  try {
    return fs.readFileSync(stamp, 'utf8') === lockfileHash()
  } catch (error) {
    return false
  }
}

function install() {
  console.error('Installing the npm packages of package-lock.json (once) …')
  // Not `npm ci`: it would remove and fetch again what is there already, where one package was added.
  // --no-save leaves the lockfile as it is; what it names is installed with its integrity checked.
  var done = childProcess.spawnSync(
    'npm',
    ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      stdio: ['ignore', 2, 2],
    },
  )
  if (done.status !== 0) {
    console.error('npm install failed. It needs npm 9 or newer and a package registry.')
    process.exit(20)
  }
  fs.writeFileSync(stamp, lockfileHash())
}

if (!isInstalled()) install()
require('../bin/node.cjs').run(root, [path.join(root, process.argv[2])].concat(process.argv.slice(3)))
