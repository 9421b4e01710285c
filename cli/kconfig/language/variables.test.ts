import { expect, test } from 'vitest';
import { Variables } from './variables.ts';

test('what is given or assigned is replaced; what is not is unknown', () => {
  const variables = new Variables({ SRCARCH: 'x86' });
  variables.assign('dir', ':=', 'arch/$(SRCARCH)');
  expect(variables.expand('$(dir)/Kconfig and a $ alone')).toBe('arch/x86/Kconfig and a $ alone');
  expect(variables.expand('$(NOBODY)')).toBeUndefined();
  expect(variables.expand('$(shell,echo $(SRCARCH))')).toBeUndefined();
});

test('= is looked up when it is used, := at once, += adds', () => {
  const variables = new Variables({});
  variables.assign('late', '=', '$(part)');
  variables.assign('early', ':=', '$(part)');
  variables.assign('part', ':=', 'a');
  expect([variables.expand('$(late)'), variables.expand('$(early)')]).toEqual(['a', undefined]);
  variables.assign('part', '+=', 'b');
  variables.assign('late', '+=', 'c');
  expect([variables.expand('$(part)'), variables.expand('$(late)')]).toEqual(['a b', 'a b c']);
});

test('a variable that is made of itself, and a bracket that is never closed, are unknown', () => {
  const variables = new Variables({});
  variables.assign('x', '=', 'a$(x)');
  expect(variables.expand('$(x)')).toBeUndefined();
  expect(variables.expand('$(x')).toBeUndefined();
});
