/* eslint-disable */
/* Starts Holdfast where the pinned Node is not installed: on the Node at hand if it is new enough, else with a clear error. */
'use strict'
var path = require('path')
var node = require('./node.cjs')
var root = path.join(__dirname, '..')
var source = path.join(root, 'src', 'main.ts')
var compiled = path.join(root, 'dist', 'main.js')
// In a clone the source runs as it is; a published package has no src/ and carries dist/ instead,
// because Node does not strip types below node_modules.
var entry = require('fs').existsSync(source) ? source : compiled
if (!node.isInstalled(root)) node.fail('its npm packages are not installed; run "npm ci --omit=dev" in ' + root)
// See bin/holdfast for why these.
node.run(root, ['--initial-heap-size=64', '--max-semi-space-size=2', '--', entry].concat(process.argv.slice(2)))
