/**
 * Every benchmark, or those that are named, one after the other: each prints what it measured, with the goal beside it.
 *
 *     npm run bench                     all but demo and boot take some three minutes
 *     npm run bench -- start-up merge
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { line, machineFacts } from './print.ts';

const BENCHMARKS: Readonly<Record<string, string>> = {
  'start-up': 'short answers: --version, explain',
  unchanged: 'a build with nothing changed, and what it reads',
  merge: 'resolving and merging, beside merge_config.sh; growth',
  resolve: 'resolving the shipped workspaces, and of up to 1,000 layers',
  rootfs: 'a root as data: reading, writing, checking it',
  'overlay-change': 'the build after a change of one overlay file; memory',
  compose: 'composing a root, beside mmdebstrap and mksquashfs',
  configure: 'configuring Buildroot, beside SkiffOS',
  'unchanged-buildroot': 'a Buildroot workspace with nothing changed, beside make',
  oci: 'containers by coracle-oci, beside runc, crun and the floor',
  'oci-jitter': 'latency of a real-time thread in a container, beside the bare machine',
  'oci-many': '200 containers in a row and at once, and what they leave',
  boot: 'sizes of images, and boot times',
  demo: 'coracle demo from a clean clone',
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => BENCHMARKS[name] === undefined);
if (unknown.length > 0) {
  line(`no benchmark ${unknown.join(', ')}; there are:`);
  for (const [name, what] of Object.entries(BENCHMARKS)) line(`  ${name.padEnd(15)} ${what}`);
  process.exit(1);
}
line(machineFacts());
let failed = false;
for (const name of asked.length > 0 ? asked : Object.keys(BENCHMARKS)) {
  line(`\n${name}: ${BENCHMARKS[name]}`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: 'inherit' });
  if (status === 0) continue;
  line(`${name} ended with ${status}`);
  failed = true;
}
process.exitCode = failed ? 1 : 0;
