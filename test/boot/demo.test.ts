/** `coracle demo` as a newcomer runs it: the image that ships as the default, from layers to a container that ran. */
import { expect, it } from 'vitest';
import { findProgram, thisHost } from '../../cli/host/this-host.ts';
import { QEMU } from '../../cli/run/machine.ts';
import { coracle } from '../support/coracle.ts';
import { temporaryDirectory, writeTree } from '../support/files.ts';
import { CACHE } from '../support/small-project.ts';

it('builds, boots, and proves what the image promises', { timeout: 1_200_000 }, async (context) => {
  if (findProgram(thisHost(), QEMU.x86_64) === undefined) {
    process.stderr.write(`skipped: ${QEMU.x86_64} is not on this machine\n`);
    context.skip(`${QEMU.x86_64} is not on this machine`);
  }
  const project = temporaryDirectory();
  writeTree(project, {
    'coracle.yaml': [
      'default: shown',
      'workspaces:',
      '  shown: {layers: [virt/qemu, core/podman, apps/preload], arch: x86_64}',
      '',
    ].join('\n'),
  });
  const ran = await coracle(project, ['demo', '--timeout', '500'], CACHE);
  expect(ran.stderr).not.toContain('error:');
  expect(ran.exitCode).toBe(0);
  for (const seen of ['first login by ssh', "first container's output", 'file read back from persist']) {
    expect(ran.stdout).toContain(seen);
  }
});
