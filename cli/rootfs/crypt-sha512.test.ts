import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cryptSha512, encryptPassword } from './crypt-sha512.ts';

test('gives what the specification gives', () => {
  expect(cryptSha512('Hello world!', 'saltstring')).toBe(
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  );
});

test('gives what openssl gives', (context) => {
  const openssl = (password: string, salt: string): string =>
    spawnSync('openssl', ['passwd', '-6', '-salt', salt, '-stdin'], {
      input: `${password}\n`,
      encoding: 'utf8',
    }).stdout.trim();
  if (spawnSync('openssl', ['version']).error) return context.skip('openssl is not on this machine');
  const password = fc.string({ minLength: 1, maxLength: 120 }).filter((text) => !/[\0\r\n]/.test(text));
  fc.assert(
    fc.property(password, fc.stringMatching(/^[./0-9A-Za-z]{1,16}$/), (text, salt) => {
      expect(cryptSha512(text, salt)).toBe(openssl(text, salt));
    }),
    {
      numRuns: 20,
      examples: [
        ['x'.repeat(64), 'salt'],
        ['x'.repeat(63), 'salt'],
        ['x'.repeat(65), 'salt'],
      ],
    },
  );
});

test('the same user and password give the same text, others another', () => {
  expect(encryptPassword('secret', 'ann')).toBe(encryptPassword('secret', 'ann'));
  expect(encryptPassword('secret', 'ann')).not.toBe(encryptPassword('secret', 'bob'));
  expect(encryptPassword('', 'ann')).toMatch(/^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$/);
});
