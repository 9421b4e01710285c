/**
 * Many containers, one after the other and all at once: no process, mount, cgroup, directory or descriptor is left. 40 of
 * them; CORACLE_OCI_MANY says another number. bench/oci-many.ts gives figures.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { count, makeManyBundle, manyAtOnce, manyInARow } from './support/many.ts';
import { orSkip } from './support/suite.ts';
import { openUpperLayer, type UpperLayer } from './support/upper-layer.ts';

const NUMBER = Number(process.env['CORACLE_OCI_MANY'] ?? 40);

describe.each(['v1', 'v2'] as const)(`${NUMBER} containers, cgroup %s`, { timeout: 300_000 }, (version) => {
  let opened: UpperLayer | { readonly reason: string };
  beforeAll(async () => {
    opened = await openUpperLayer(version, []);
    if ('view' in opened) makeManyBundle(join(opened.scratch, 'bundle'));
  }, 400_000);
  afterAll(async () => {
    if ('view' in opened) await opened.close();
  });

  it('one after the other', async (context) => {
    const layer = orSkip(context, opened);
    const before = await count(layer);
    expect((await manyInARow(layer, NUMBER)).failed).toEqual([]);
    expect(await count(layer)).toEqual(before);
  });

  it('all at once', async (context) => {
    const layer = orSkip(context, opened);
    const before = await count(layer);
    const { failed, running } = await manyAtOnce(layer, NUMBER);
    expect(failed).toEqual([]);
    // While they run, there is one process and one directory each, and in our own mount namespace nothing.
    expect(running.processes - before.processes).toBe(NUMBER);
    expect(running.directories).toBe(NUMBER);
    expect(running).toMatchObject({ mounts: before.mounts, descriptors: before.descriptors });
    expect(await count(layer)).toEqual(before);
  });
});
