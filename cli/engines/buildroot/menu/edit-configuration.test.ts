/** The round trip with a Kconfig of a few symbols that a test can see through; test/buildroot/ does it with a real one. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failureOf, treeOf } from '../../../../test/support/files.ts';
import type { Assignment, Value } from '../../../kconfig/assignment.ts';
import { parseDotConfig } from '../../../kconfig/dotconfig.ts';
import { formatAssignment, NOT_SET } from '../../../kconfig/value.ts';
import { loadProject } from '../../../workspace/project.ts';
import { resolveWorkspace } from '../../../workspace/resolve-workspace.ts';
import { writableLayer } from '../../../workspace/writable-layer.ts';
import type { OwnAssignment } from '../configure/own-assignment.ts';
import { askedOf } from '../configure/request.ts';
import type { ConfigurationMenu } from './configuration-menu.ts';
import { editConfiguration } from './edit-configuration.ts';

const YES: Value = { kind: 'tristate', value: 'y' };
const SYMBOLS = ['LIBRARY', 'TOOL', 'TOOL_EXTRA', 'TOOL_HELP', 'RED', 'GREEN', 'OWN'] as const;
type Symbol = (typeof SYMBOLS)[number];
type Wishes = Readonly<Partial<Record<Symbol, boolean>>>;

/**
 * TOOL selects LIBRARY and shows TOOL_EXTRA (off) and TOOL_HELP (on); RED and GREEN are a choice, RED by default; OWN is what
 * Coracle sets. Symbols that cannot be seen are absent.
 */
function kconfig(wishes: Wishes): string {
  const tool = wishes.TOOL === true;
  const green = wishes.GREEN === true;
  const values: Partial<Record<Symbol, boolean>> = {
    LIBRARY: tool || wishes.LIBRARY === true,
    TOOL: tool,
    ...(tool ? { TOOL_EXTRA: wishes.TOOL_EXTRA === true, TOOL_HELP: wishes.TOOL_HELP !== false } : {}),
    RED: !green,
    GREEN: green,
    OWN: wishes.OWN === true,
  };
  const lines = Object.entries(values).map(([name, on]) => formatAssignment(`BR2_${name}`, on ? YES : NOT_SET));
  return lines.map((line) => `${line}\n`).join('');
}

function wishesOf(asked: readonly Assignment[]): Wishes {
  return Object.fromEntries(asked.map(({ symbol, value }) => [symbol.slice('BR2_'.length), value.value === 'y']));
}

const parse = (text: string) => parseDotConfig(text, { file: '.config', layer: 'test' });
const OWN: OwnAssignment = { symbol: 'BR2_OWN', value: YES, why: 'for the test' };

/** @param changes what the user clicks on; undefined: leaves without saving */
function menuOf(changes: Wishes | undefined): ConfigurationMenu {
  const wishes = (config: Parameters<ConfigurationMenu['open']>[0]) => wishesOf(askedOf(config, 'buildroot'));
  return {
    namespace: 'buildroot',
    what: 'a test',
    isQuick: true,
    configure: async (config) => {
      const text = kconfig({ ...wishes(config), OWN: true });
      return { text, final: parse(text), own: [OWN] };
    },
    open: async (config) => {
      if (changes === undefined) return undefined;
      const exclusive = changes.RED === true ? { GREEN: false } : {};
      return kconfig({ ...wishes(config), OWN: true, ...changes, ...exclusive });
    },
  };
}

const BASE = 'layers/my/base/buildroot/base';

function projectOf(base: string, late = ''): string {
  return treeOf({
    'coracle.yaml':
      'layers: [{path: layers}]\nworkspaces:\n  w: {layers: [my/base, my/late], engine: buildroot, arch: x86_64}\n',
    'layers/my/base/layer.yaml': 'description: a base\nprovides: [base]\n',
    [BASE]: base,
    'layers/my/late/layer.yaml': 'description: late\n',
    'layers/my/late/buildroot/late': late,
  });
}

async function edit(directory: string, changes: Wishes | undefined, to?: string) {
  const resolve = async () => resolveWorkspace(await loadProject(directory, {}, '/nonexistent'), 'w');
  const config = await resolve();
  const layer = writableLayer(await loadProject(directory, {}, '/nonexistent'), config, to);
  const keep = join(directory, 'kept');
  const menu = menuOf(changes);
  const edited = await editConfiguration({ menu, config, layer, resolve, keep });
  return { edited, final: (await menu.configure(await resolve())).text };
}

/** Path → text and time of every file. */
function filesOf(directory: string) {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .map((name) => [name, readFileSync(join(directory, name), 'utf8'), statSync(join(directory, name)).mtimeMs]);
}

const FRAGMENT = 'overrides/workspaces/w/buildroot/menuconfig';

test.each([
  ['what follows is not written', {}, { TOOL: true }, 'BR2_TOOL=y\n'],
  ['what does not follow is', {}, { TOOL: true, TOOL_HELP: false }, 'BR2_TOOL=y\n# BR2_TOOL_HELP is not set\n'],
  ['a member of a choice is named by what is on', {}, { GREEN: true }, 'BR2_GREEN=y\n'],
  [
    'what a layer asked for is given up',
    { TOOL: true, TOOL_EXTRA: true },
    { TOOL: false },
    '# BR2_TOOL is not set\n# BR2_TOOL_EXTRA is not set\n',
  ],
])('%s', async (_what, before, changes, expected) => {
  const base = Object.entries(before).map(([name, on]) => `${formatAssignment(`BR2_${name}`, on ? YES : NOT_SET)}\n`);
  const directory = projectOf(base.join(''));
  await edit(directory, changes);
  const lines = readFileSync(join(directory, FRAGMENT), 'utf8').split('\n').sort();
  expect(lines).toEqual(expected.split('\n').sort());
});

test.each([
  ['not saved', undefined],
  ['saved without changes', {}],
])('%s: nothing is written', async (_what, changes) => {
  const directory = projectOf('BR2_TOOL=y\n');
  const before = filesOf(directory);
  const { edited } = await edit(directory, changes);
  expect(edited).toEqual({ settings: [], files: [] });
  expect(filesOf(directory)).toEqual(before);
});

test('what a later layer decides is refused: all is as before, and what was saved is kept', async () => {
  const directory = projectOf('', 'BR2_TOOL=y\n');
  const before = filesOf(directory);
  const { parts } = await failureOf(edit(directory, { TOOL: false, GREEN: true }, 'my/base'));
  expect(parts).toMatchObject({ code: 'change-not-kept', layer: 'my/base' });
  expect(parts.cause).toContain('BR2_TOOL: saved not set, would be y');
  expect(parts.hint).toContain(join(directory, 'kept'));
  expect(filesOf(directory).filter(([name]) => name !== 'kept')).toEqual(before);
  expect(readFileSync(join(directory, 'kept'), 'utf8')).toContain('BR2_GREEN=y');
});

test('a symbol of Coracle is refused', async () => {
  const directory = projectOf('');
  const { parts } = await failureOf(edit(directory, { OWN: false, TOOL: true }));
  expect(parts).toMatchObject({ code: 'symbol-of-coracle', cause: 'for the test' });
  expect(existsSync(join(directory, 'overrides'))).toBe(false);
});

const wishes = fc.dictionary(
  fc.constantFrom(...SYMBOLS.filter((name) => name !== 'OWN')),
  fc.boolean(),
) as fc.Arbitrary<Wishes>;
const base = fc
  .array(
    fc.oneof(
      fc.constantFrom('# why', ''),
      fc.constantFrom(...SYMBOLS.slice(0, 4)).map((name) => `BR2_${name}=y`),
    ),
  )
  .map((lines) => lines.map((line) => `${line}\n`).join(''));

test('law: the layers give what was saved, by the fewest lines; what they said of other symbols stays', async () => {
  await fc.assert(
    fc.asyncProperty(base, wishes, fc.constantFrom('my/late', undefined, 'overrides'), async (text, changes, to) => {
      const directory = projectOf(text, '# late\n');
      const resolve = async () => resolveWorkspace(await loadProject(directory, {}, '/nonexistent'), 'w');
      const saved = await menuOf(changes).open(await resolve());
      const { edited, final } = await edit(directory, changes, to);
      expect(final).toBe(saved);
      expect(readFileSync(join(directory, BASE), 'utf8')).toBe(text);
      // A second session has nothing to do.
      expect((await edit(directory, {}, to)).edited.files).toEqual([]);
      const asked = new Set(askedOf(await resolve(), 'buildroot').map(({ symbol }) => symbol));
      for (const { symbol } of edited.settings) expect(asked.has(symbol)).toBe(true);
    }),
    { numRuns: 60 },
  );
});
