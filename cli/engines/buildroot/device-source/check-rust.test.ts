import { expect, test } from 'vitest';
import { failuresOf } from '../../../../test/support/files.ts';
import type { PackageInfos } from '../build/package-info.ts';
import { checkRust } from './check-rust.ts';

const packages = (name: string, version: string): PackageInfos =>
  new Map([[name, { type: 'host', name, version, dependencies: [], reverse_dependencies: [] }]]);
const check = (infos: PackageInfos, fromMachine = false) =>
  failuresOf(() => checkRust(infos, { release: '2025.02', required: '1.88', fromMachine }));

test("Buildroot's Rust has to be recent enough", async () => {
  const message = "Coracle's own programs need Rust 1.88 or later, and Buildroot 2025.02 brings 1.82.0";
  expect(await check(packages('host-rust-bin', '1.82.0'))).toMatchObject([{ code: 'rust-too-old', message }]);
  expect(await check(packages('host-rust', '1.87.0'))).toMatchObject([{ code: 'rust-too-old' }]);
  expect(await check(packages('host-rust', '1.87.0'), true)).toMatchObject([{ code: 'rust-too-old' }]);
});

test("a newer one passes, and the machine's in place of a ready-made one", () => {
  const options = { release: '2026.02', required: '1.88' };
  expect(() => checkRust(packages('host-rust-bin', '1.88.0'), { ...options, fromMachine: false })).not.toThrow();
  expect(() => checkRust(packages('host-rust-bin', '1.64.0'), { ...options, fromMachine: true })).not.toThrow();
  expect(() => checkRust(new Map(), { ...options, fromMachine: false })).not.toThrow();
});
