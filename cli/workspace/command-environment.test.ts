import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fakeWorkspace } from '../../test/support/fake-workspace.ts';
import { commandEnvironment } from './command-environment.ts';

const PLACES = {
  cwd: '/home/me',
  workspaceDirectory: '/project/workspaces/w',
  output: '/project/workspaces/w/buildroot/output',
};

function environmentOf(own: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
  const config = fakeWorkspace([{ name: 'my/board' }]);
  const [first] = config.layers;
  if (first === undefined) throw new Error('no layer');
  return commandEnvironment(first.layer, { ...config, engine: 'buildroot', chosen: {} as never }, PLACES, own);
}

test('every variable is in the documentation', () => {
  const page = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  const pages = page('commands.md') + page('hooks.md');
  for (const name of Object.keys(environmentOf())) expect(pages).toContain(`\`${name}\``);
});

test("the user's own variables are there, but not in the place of ours", () => {
  const environment = environmentOf({
    PI_SD: '/dev/sdx',
    BUILDROOT_DIR: '/elsewhere',
    LC_ALL: 'de_DE',
    GONE: undefined,
  });
  expect(environment).toMatchObject({
    PI_SD: '/dev/sdx',
    BUILDROOT_DIR: '/project/workspaces/w/buildroot/output',
    LC_ALL: 'C',
  });
  expect(environment).not.toHaveProperty('GONE');
  expect(environment['PATH']).toMatch(/^\/project\/workspaces\/w\/buildroot\/output\/host\/bin:/);
});
