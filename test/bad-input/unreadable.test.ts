/** Files and directories that the user may not read: each is named, by whoever wants to read it first. */
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { coracle, type Wrapper } from '../support/coracle.ts';
import { treeOf } from '../support/files.ts';
import { expectRefused, listing, TALK } from '../support/refused.ts';
import { builtProject, CACHE } from '../support/small-project.ts';

const copyOfBuilt = builtProject({
  'layers/my/app/kernel/app': 'CONFIG_EXT4_FS=y\n',
  'layers/my/app/debian/app': 'netbase\n',
  'layers/my/app/users/app': 'lamp -1 lamp -1 * - /bin/sh - A lamp\n',
  'layers/my/app/root_overlay/etc/lamp.conf.hbs': 'host={{workspace}}\n',
  'layers/my/app/hooks/root.sh': { program: '#!/bin/sh\nset -e\ntouch "$CORACLE_ROOT/etc/touched"\n' },
});

/** Root reads what it likes; without this capability it is an owner like any other. */
function asOrdinaryUser(context: TestContext): Wrapper | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const capabilities = '-dac_override,-dac_read_search';
  const wrapper: Wrapper = ['setpriv', '--bounding-set', capabilities, '--inh-caps', capabilities];
  const unreadable = treeOf({ file: '' });
  chmodSync(join(unreadable, 'file'), 0);
  try {
    execFileSync(wrapper[0], [...wrapper.slice(1), 'cat', join(unreadable, 'file')], { stdio: 'pipe' });
  } catch (error) {
    if (/Permission denied/.test(String((error as { stderr?: unknown }).stderr))) return wrapper;
  }
  return context.skip('root reads every file here, and cannot give that up');
}

describe('a build is refused for what may not be read:', () => {
  test.for<[string, readonly string[]]>([
    ['coracle.yaml', ['cannot read', 'at coracle.yaml', 'EACCES']],
    ['coracle.lock', ['coracle.lock', 'EACCES']],
    ['layers', ['at layers', 'EACCES']],
    ['layers/my/app', ['at layers/my/app', 'EACCES']],
    ['layers/my/app/layer.yaml', ['cannot read', 'at layers/my/app/layer.yaml', 'layer: my/app']],
    ['layers/my/app/kernel', ['at layers/my/app/kernel', 'layer: my/app']],
    ['layers/my/app/kernel/app', ['at layers/my/app/kernel/app', 'EACCES']],
    ['layers/my/app/debian/app', ['at layers/my/app/debian/app', 'EACCES', 'layer: my/app']],
    ['layers/my/app/users/app', ['at layers/my/app/users/app', 'EACCES']],
    ['layers/my/app/root_overlay', ['at layers/my/app/root_overlay', 'EACCES']],
    ['layers/my/app/root_overlay/etc/motd', ['at layers/my/app/root_overlay/etc/motd', 'EACCES']],
    ['layers/my/app/root_overlay/etc/lamp.conf.hbs', ['at layers/my/app/root_overlay/etc/lamp.conf.hbs', 'EACCES']],
    ['layers/my/app/hooks/root.sh', ['at layers/my/app/hooks/root.sh', 'EACCES']],
  ])('%s', async ([name, words], context) => {
    const user = asOrdinaryUser(context);
    const project = copyOfBuilt(context);
    chmodSync(join(project, name), 0);
    const before = listing(project, TALK);
    expectRefused(await coracle(project, ['build', 'small', '--offline'], CACHE, user), words);
    expect(listing(project, TALK)).toEqual(before);
  });
});
