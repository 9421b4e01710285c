import { expect, test } from 'vitest';
import { fakeWorkspace } from '../../../../test/support/fake-workspace.ts';
import { type ExplainedDifference, judgeDifferences } from './check-request.ts';

const BUILDROOT = { namespace: 'buildroot', what: 'Buildroot 2026.02' } as const;

function difference(symbol: string, isUnknown: boolean): ExplainedDifference {
  const origin = { layer: 'my/app', file: '/layers/my/app/buildroot/a', line: 1 };
  return {
    asked: { symbol, value: { kind: 'tristate', value: 'y' }, origin },
    ...{ actual: undefined, cause: 'a test', isUnknown },
  };
}

test('a symbol that there is not is nothing to accept', () => {
  const found = [difference('BR2_PACKAGE_BUSYBOXX', true), difference('BR2_PACKAGE_QT5', false)];
  const { failures } = judgeDifferences(found, fakeWorkspace([{ name: 'my/app' }]), BUILDROOT);
  expect(failures.map(({ parts }) => parts.hint)).toEqual([
    undefined,
    'accept it: under accept: write {namespace: buildroot, symbol: BR2_PACKAGE_QT5, reason: …}',
  ]);
});

test('of many, how to accept them is said once, and never of those that there are not', () => {
  const names = ['A', 'B', 'C', 'D', 'E', 'F'];
  const config = fakeWorkspace([{ name: 'my/app' }]);
  const judged = (isUnknown: boolean) =>
    judgeDifferences(
      names.map((name) => difference(`BR2_${name}`, isUnknown)),
      config,
      BUILDROOT,
    ).failures.map(({ parts }) => parts.hint);
  expect(judged(true)).toEqual(names.map(() => undefined));
  expect(judged(false)).toEqual([...names.map(() => undefined), expect.stringContaining('accept it in layer.yaml')]);
});
