/**
 * `linux.intelRdt` of config.json. Its rules are tested beside its source, on a file system that does as resctrl does; here,
 * what a machine without resctrl has to say.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { specification } from './support/spec.ts';

specification('intelRdt', (must) => {
  must('without resctrl it is an error, and nothing is left', async ({ container }, context) => {
    if (/ - resctrl /.test(readFileSync('/proc/self/mountinfo', 'utf8')))
      return context.skip('resctrl is mounted here');
    for (const rdt of [{}, { closID: '/' }, { closID: 'gold', schemata: ['L3:0=f'] }, { enableMonitoring: true }]) {
      const one = container('true', (config) => {
        config['linux'].intelRdt = rdt;
      });
      const created = await one.create();
      expect(created.exitCode).not.toBe(0);
      expect(created.stderr).toContain('linux.intelRdt is set, but no resctrl file system is mounted');
      expect(await one.status()).toBe('absent');
    }
  });
});
