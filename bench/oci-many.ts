/**
 * 200 containers, one after the other and all at once, beside crun and runc where they are on this machine: time for each,
 * and what is left afterwards. Needs root and version 1 cgroups, in a view of its own (test/oci/support/view.sh).
 */
import { join } from 'node:path';
import { findProgram, thisHost } from '../cli/host/this-host.ts';
import { count, type Held, makeManyBundle, manyAtOnce, manyInARow } from '../test/oci/support/many.ts';
import { openUpperLayer } from '../test/oci/support/upper-layer.ts';
import { goal, line } from './print.ts';

const NUMBER = Number(process.env['CORACLE_OCI_MANY'] ?? 200);

const opened = await openUpperLayer('v1', []);
if ('reason' in opened) {
  line(`  not measured: ${opened.reason}`);
} else {
  try {
    makeManyBundle(join(opened.scratch, 'bundle'));
    const others = ['crun', 'runc'].flatMap((name) => {
      const path = findProgram(thisHost(), name);
      return path === undefined ? [] : [{ name, path }];
    });
    for (const runtime of [opened.runtime, ...others]) {
      const layer = { ...opened, runtime };
      const before = await count(layer);
      const row = await manyInARow(layer, NUMBER);
      const once = await manyAtOnce(layer, NUMBER);
      const left = difference(before, await count(layer));
      const each = (ms: number): string => `${(ms / NUMBER).toFixed(1)} ms`;
      line(`  ${runtime.name.padEnd(11)} ${NUMBER} in a row: create, start, kill, delete ${each(row.wallMs)} each`);
      line(`  ${''.padEnd(11)} ${NUMBER} at once, eight commands at a time: run and delete ${each(once.wallMs)} each`);
      line(`  ${''.padEnd(11)} while they run, more than before: ${inWords(difference(before, once.running))}`);
      const failed = row.failed.length + once.failed.length;
      const sum = Object.values(left).reduce((total, value) => total + Math.abs(value), failed);
      const result = `failed (${failed}) or left: ${inWords(left)}`;
      if (runtime === opened.runtime) goal(result, sum, 0, String);
      else line(`  ${''.padEnd(11)} ${result}`);
    }
  } finally {
    await opened.close();
  }
}

function difference(before: Held, after: Held): Held {
  return {
    processes: after.processes - before.processes,
    mounts: after.mounts - before.mounts,
    cgroups: after.cgroups - before.cgroups,
    directories: after.directories - before.directories,
    descriptors: after.descriptors - before.descriptors,
  };
}

function inWords(held: Held): string {
  return Object.entries(held)
    .map(([name, value]) => `${value} ${name}`)
    .join(', ');
}
