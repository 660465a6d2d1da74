/* Finds a Node that is new enough and runs it in place of this process. Plain CommonJS for old Nodes. */
'use strict'
var childProcess = require('child_process')
var fs = require('fs')
var os = require('os')
var path = require('path')

var WANTED = [24, 15] // the first release line with everything used: stable type stripping, crypto.argon2, whole zstd streams

function isNewEnough(version) {
  var parts = version.split('.').map(Number)
  return parts[0] > WANTED[0] || (parts[0] === WANTED[0] && parts[1] >= WANTED[1])
}

/** The path of a usable Node: this one, or the one that npm installed as an optional dependency. */
function find(root) {
  if (isNewEnough(process.versions.node)) return process.execPath
  var name = 'node-' + process.platform + '-' + process.arch
  try {
    var manifest = require.resolve(name + '/package.json', { paths: [root] })
    return path.join(path.dirname(manifest), 'bin', 'node')
  } catch (error) {
    var lacking = 'needs Node ' + WANTED.join('.') + ' or newer, and this is ' + process.versions.node
    fail(lacking + '; install it, or let npm install the optional package ' + name + ' (run "npm ci --omit=dev" in ' + root + ')')
  }
}

/** Whether the packages are there: in a clone below it, and beside a package that was installed itself. */
function isInstalled(root) {
  return [path.join(root, 'node_modules'), path.join(root, '..')].some(function (folder) {
    return fs.existsSync(path.join(folder, 'commander'))
  })
}

/** One line for people, and the exit code for what this machine lacks. */
function fail(message) {
  console.error('holdfast: ' + message)
  process.exit(31)
}

/** Runs `args` with that Node, hands signals on, and ends as it ended. */
function run(root, args) {
  // zstd, file and crypto work share the thread pool: with four threads, file access waits behind compression.
  var threads = String(Math.max(4, 2 * os.cpus().length))
  // glibc gives every thread of the pool an arena of its own, and each keeps what was once freed in it; and it stops to
  // give large buffers back once it saw larger ones.
  // Compiled code is kept between runs: a command starts in half the time. In the home folder, as nobody else may write it.
  var cache = path.join(os.homedir(), '.cache', 'holdfast', 'compiled')
  var env = Object.assign({ UV_THREADPOOL_SIZE: threads, MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', NODE_COMPILE_CACHE: cache }, process.env)
  var child = childProcess.spawn(find(root), args, { stdio: 'inherit', env: env })
  var signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  signals.forEach(function (signal) {
    process.on(signal, function () {
      // A terminal sends Ctrl-C to the whole group; the child has it already.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  })
  child.on('error', function (error) {
    console.error('holdfast: cannot start Node: ' + error.message)
    process.exit(70)
  })
  child.on('exit', function (code, signal) {
    process.exit(signal ? 128 + (os.constants.signals[signal] || 0) : code)
  })
}

module.exports = { fail: fail, find: find, isInstalled: isInstalled, run: run, isNewEnough: isNewEnough }
