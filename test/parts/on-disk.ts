/**
 * To be imported first by a test file whose temporary files must be on a disk: because of their size, or because a disk
 * differs from the memory that `npm test` gives to the others.
 */
const DISK = process.env['HOLDFAST_TEST_DISK']
if (DISK !== undefined) process.env['TMPDIR'] = DISK
