/**
 * docs/oci-conformance.md is made of musts.yaml and of what the suites are expected to say; `vitest -u` writes it. A
 * sentence is shown only by a test that is there: one of ours, or one of another's suite that passes with our runtime.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Expected, readExpectations } from './support/expectations.ts';

interface Must {
  readonly at: string;
  readonly section: string;
  readonly must: string;
  /** `SUITE: TEST` */
  readonly shown?: readonly string[];
  readonly author?: string;
  readonly platform?: string;
  readonly cannot?: string;
  readonly open?: string;
}

const HERE = import.meta.dirname;
const SUITES = ['crun', 'runc', 'runtime-tools', 'contest'];
const musts = parse(readFileSync(join(HERE, 'musts.yaml'), 'utf8')) as readonly Must[];

const ownTests = new Set(
  readdirSync(HERE)
    .filter((name) => /^(?:spec-|intel-rdt|net-devices).*\.test\.ts$/.test(name))
    .flatMap((name) => {
      const text = readFileSync(join(HERE, name), 'utf8');
      const options = /const MUST_OPTIONS = \[(.*?)\];/s.exec(text)?.[1]?.matchAll(/'(\w+)'/g) ?? [];
      return [
        ...[...text.matchAll(/\b(?:must|it)\(\s*(['"`])(.+?)\1/g)].map(([, , title = '']) => title),
        ...[...options].map(([, option = '']) => `the mount option ${option}`),
      ];
    }),
);

/** Tests of the Cargo workspace, by function. */
const DEVICE = join(HERE, '../../device');
const deviceTests = new Set(
  ['coracle-oci', 'crates']
    .flatMap((part) =>
      readdirSync(join(DEVICE, part), { recursive: true, encoding: 'utf8' }).map((name) => join(part, name)),
    )
    .filter((name) => name.endsWith('.rs'))
    .flatMap((name) => [...readFileSync(join(DEVICE, name), 'utf8').matchAll(/#\[test\]\s+fn (\w+)\(/g)])
    .map(([, name = '']) => name),
);

/** The views in which a test passes; empty where it does not. */
function viewsOf(shown: string): readonly string[] {
  const [, suite = '', name = ''] = /^([\w-]+): (.*)$/.exec(shown) ?? [];
  if (suite === 'spec') {
    const [before = '', after = ''] = name.split('*');
    const there = name.includes('*')
      ? [...ownTests].some((title) => title.startsWith(before) && title.endsWith(after))
      : ownTests.has(name);
    return there ? ['v1', 'v2'] : [];
  }
  if (suite === 'cargo') return deviceTests.has(name) ? ['fake'] : [];
  return Object.entries(readExpectations(suite))
    .filter(([, expected]) => expected.passed.includes(name))
    .map(([view]) => view);
}

it('every sentence is there once, and is shown by a test that passes, or has a reason', () => {
  expect(musts.length).toBe(255);
  expect(new Set(musts.map(({ at }) => at)).size).toBe(255);
  const wrong = musts.flatMap((one) => [
    ...(one.shown ?? []).filter((shown) => viewsOf(shown).length === 0).map((shown) => `${one.at}: ${shown}`),
    ...(one.shown === undefined && !one.author && !one.platform && !one.cannot && !one.open ? [one.at] : []),
  ]);
  expect(wrong).toEqual([]);
});

it('the document says the same', async () => {
  await expect(documentText()).toMatchFileSnapshot(join(HERE, '../../docs/oci-conformance.md'));
});

function resultOf(one: Must): string {
  if (one.author) return 'binds authors';
  if (one.platform) return 'another system';
  if (one.cannot) return `cannot be tested: ${one.cannot}`;
  if (one.open) return one.shown === undefined ? `open: ${one.open}` : `in part: ${one.open}`;
  return 'passed';
}

function documentText(): string {
  const count = (wanted: (one: Must) => boolean): number => musts.filter(wanted).length;
  const passed = count((one) => resultOf(one) === 'passed');
  const lines = [
    '# Conformance of coracle-oci',
    '',
    '`./coracle test test/oci` shows it; this page is made by it from `test/oci/musts.yaml` and `test/oci/expectations/`.',
    'Runtimes are run in a private world with its own `/dev`, its own processes and either version of control groups',
    '(views v1 and v2, `test/oci/support/view.sh`). `CORACLE_OCI_RUNTIME=/usr/bin/crun` runs the same with another runtime,',
    '`CORACLE_OCI_SUITES=1` runs the long suites as well, and `CORACLE_OCI_UPDATE=1` records what they say.',
    '',
    '## Suites of others',
    '',
    '| suite | view | passed | failed | not applicable |',
    '|---|---|---|---|---|',
    ...SUITES.flatMap((suite) =>
      Object.entries(readExpectations(suite)).map(([view, one]) => totals(suite, view, one)),
    ),
    '',
    ...SUITES.flatMap((suite) =>
      Object.entries(readExpectations(suite)).flatMap(([view, one]) => reasons(suite, view, one)),
    ),
    '## The runtime specification',
    '',
    `Version 1.3.0 for Linux has ${musts.length} lines that say MUST: ${passed} are shown to be kept,`,
    `${count((one) => resultOf(one).startsWith('in part'))} in part, ${count((one) => resultOf(one).startsWith('open'))} are open,`,
    `${count((one) => one.cannot !== undefined)} cannot be tested on a usual machine, and`,
    `${count((one) => one.author !== undefined || one.platform !== undefined)} bind authors of configurations or are about other systems.`,
    '',
    '| line | section | what is asked | test | view | result |',
    '|---|---|---|---|---|---|',
    ...musts.map((one) => {
      const shown = one.shown ?? [];
      const views = [...new Set(shown.flatMap(viewsOf))].sort().join(', ');
      return `| ${one.at} | ${cell(one.section)} | ${cell(one.must)} | ${cell(shown.join('; '))} | ${views} | ${cell(resultOf(one))} |`;
    }),
    '',
  ];
  return lines.join('\n');
}

function totals(suite: string, view: string, one: Expected): string {
  const counts = [one.passed.length, Object.keys(one.failed).length, Object.keys(one.notApplicable).length];
  return `| ${suite} | ${view} | ${counts.join(' | ')} |`;
}

function reasons(suite: string, view: string, one: Expected): string[] {
  const table = (kind: string, list: Readonly<Record<string, string>>) =>
    Object.entries(list).map(([name, why]) => `| ${cell(name)} | ${kind} | ${cell(why)} |`);
  const rows = [...table('failed', one.failed), ...table('not applicable', one.notApplicable)];
  return [`### ${suite}, ${view}`, '', '| test | result | why |', '|---|---|---|', ...rows, ''];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
