import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fakeWorkspace } from '../../../../test/support/fake-workspace.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { buildPlaces } from '../build-places.ts';
import { buildrootRequest } from './request.ts';
import { SYMBOLS_OF_CORACLE } from './symbols-of-coracle.ts';

test('docs/buildroot-engine.md lists the symbols that Coracle sets, all of them and no others', () => {
  const page = readFileSync(fileURLToPath(new URL('../../../../docs/buildroot-engine.md', import.meta.url)), 'utf8');
  const [section = ''] = (page.split('### Symbols that Coracle sets\n')[1] ?? '').split('\n#');
  const cells = section.split('\n').flatMap((line) => /^\| (`BR2_.*?) \|/.exec(line)?.[1] ?? []);
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, symbol]) => symbol));
  expect(listed.sort()).toEqual([...Object.keys(SYMBOLS_OF_CORACLE), 'BR2_TOOLCHAIN_EXTERNAL'].sort());
});

test('what is set by default only is not set where a layer says something', () => {
  const config: ResolvedConfig = { ...fakeWorkspace([{ name: 'my/app' }]), engine: 'buildroot' };
  const symbols = Object.entries(SYMBOLS_OF_CORACLE).filter(([, { how }]) => how === 'default');
  const own = (merged: ResolvedConfig['symbols']['buildroot']) =>
    buildrootRequest({ ...config, symbols: { ...config.symbols, buildroot: merged } }, buildPlaces('/w'))
      .own.map(({ symbol }) => symbol)
      .filter((symbol) => symbols.some(([name]) => name === symbol));
  expect(own(new Map())).toEqual(['BR2_x86_64', 'BR2_REPRODUCIBLE', 'BR2_CCACHE']);
  const origin = { layer: 'my/app', file: '/f', line: 1 };
  const asked = symbols.map(([symbol]) => {
    return [symbol, { symbol, chain: [{ symbol, value: { kind: 'tristate', value: 'n' }, origin }] }] as const;
  });
  expect(own(new Map(asked))).toEqual([]);
});
